import type { Octets } from '../../model/dns-octets.ts';
import { CLASS_IN, HEADER_BYTES, TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { word } from '../wire/query.ts';
import { MessageWriter } from '../wire/writer.ts';

/**
 * Records on the wire, ready to be copied behind the question that they answer: every owner is a pointer into the question,
 * so the answer has the client's spelling, and it fits only questions of the same length.
 */
export interface Answer {
  readonly records: Uint8Array;
  readonly count: number;
  /** Addresses of the names in `records`; left out when there is no room. */
  readonly glue: Uint8Array;
  readonly glueCount: number;
}

/** A pointer to the question's name. */
const QUESTION_POINTER = 0xc0_00 | HEADER_BYTES;

/** Pointer, type, class, TTL and length. */
const RECORD_HEAD_BYTES = 12;

const NO_OCTETS = new Uint8Array(0);

/** What an SRV record says, and where its target is. */
export interface ServiceTarget {
  readonly weight: number;
  readonly port: number;
  readonly target: NameKey;
}

/** The addresses of a target, as additional records. */
export interface Glue {
  /** Where the question has the name of the Service, counted from its own start. */
  readonly serviceAt: number;
  /** The label below it; empty for the Service itself. */
  readonly host: string;
  readonly address: Octets;
}

/** Collects the records of one answer. */
export class AnswerBuilder {
  readonly #records = new MessageWriter(64);
  readonly #glue = new MessageWriter(64);
  readonly #ttlS: number;
  #count = 0;
  #glueCount = 0;

  constructor(ttlS: number) {
    this.#ttlS = ttlS;
  }

  /** A or AAAA, by the length. */
  address(octets: Octets): this {
    this.#begin(octets.length === 4 ? TYPE.A : TYPE.AAAA, octets.length);
    this.#records.latin1(octets);
    return this;
  }

  /** PTR, NS or CNAME. */
  pointer(type: number, target: NameKey): this {
    this.#begin(type, target.length);
    this.#records.latin1(target);
    return this;
  }

  /** TXT or HINFO: strings of at most 255 octets. */
  strings(type: number, ...texts: readonly string[]): this {
    const data = texts.map((text) => `${String.fromCharCode(text.length)}${text}`).join('');
    this.#begin(type, data.length);
    this.#records.latin1(data);
    return this;
  }

  service({ weight, port, target }: ServiceTarget): this {
    this.#begin(TYPE.SRV, 6 + target.length);
    this.#records.word(0);
    this.#records.word(weight);
    this.#records.word(port);
    this.#records.latin1(target);
    return this;
  }

  glue({ serviceAt, host, address }: Glue): this {
    const writer = this.#glue;
    if (host !== '') writer.latin1(`${String.fromCharCode(host.length)}${host}`);
    writer.word(QUESTION_POINTER + serviceAt);
    writeFixed(writer, address.length === 4 ? TYPE.A : TYPE.AAAA, { ttlS: this.#ttlS, bytes: address.length });
    writer.latin1(address);
    this.#glueCount++;
    return this;
  }

  /** Address records of a name in full, where the question cannot be pointed to. */
  namedGlue(owner: NameKey, address: Octets): this {
    const writer = this.#glue;
    writer.latin1(owner);
    writeFixed(writer, address.length === 4 ? TYPE.A : TYPE.AAAA, { ttlS: this.#ttlS, bytes: address.length });
    writer.latin1(address);
    this.#glueCount++;
    return this;
  }

  build(): Answer {
    return {
      records: Uint8Array.from(this.#records.bytes),
      count: this.#count,
      glue: this.#glueCount === 0 ? NO_OCTETS : Uint8Array.from(this.#glue.bytes),
      glueCount: this.#glueCount,
    };
  }

  #begin(type: number, bytes: number): void {
    this.#records.word(QUESTION_POINTER);
    writeFixed(this.#records, type, { ttlS: this.#ttlS, bytes });
    this.#count++;
  }
}

/** Type, class, TTL and length of a record. */
function writeFixed(writer: MessageWriter, type: number, { ttlS, bytes }: { ttlS: number; bytes: number }): void {
  writer.word(type);
  writer.word(CLASS_IN);
  writer.long(ttlS);
  writer.word(bytes);
}

/** The records of an answer without their owner: type, class, TTL, length and data of each. */
export function recordsOf({ records, count }: Answer): readonly Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0, i = 0; i < count; i++) {
    const end = at + RECORD_HEAD_BYTES + word(records, at + RECORD_HEAD_BYTES - 2);
    found.push(records.subarray(at + 2, end));
    at = end;
  }
  return found;
}
