import { RCODE_NAMES } from '../../../src/dns/page.ts';
import { FLAG, HEADER_BYTES, TYPE, typeName } from '../../../src/dns/wire/constants.ts';
import { addressText } from '../../../src/dns/zone/address-labels.ts';

/** A question as a client can ask it. */
export interface DnsQuery {
  /** Labels in the client's spelling, with dots between them. */
  readonly name: string;
  readonly type: number;
  readonly transport: 'udp' | 'tcp';
  /** Default: IN. */
  readonly class?: number;
  /** Default: recursion desired. */
  readonly flags?: number;
  readonly edns?: {
    readonly udpBytes: number;
    readonly version?: number;
    readonly dnssecOk?: boolean;
    /** In hexadecimal. */
    readonly options?: string;
  };
}

/** What is compared of a reply; records are text and sorted. */
export interface DnsReply {
  readonly rcode: string;
  /** `aa tc rd ra ad cd`, those that are set. */
  readonly flags: string;
  readonly question: string;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  /** Without OPT. */
  readonly additional: readonly string[];
  /** `1232 do`, and options in hexadecimal. */
  readonly opt: string;
}

const FLAG_NAMES = {
  aa: FLAG.authoritative,
  tc: FLAG.truncated,
  rd: FLAG.recursionDesired,
  ra: FLAG.recursionAvailable,
  ad: FLAG.authenticData,
  cd: FLAG.checkingDisabled,
} as const;

/** The packet of a question. */
export function packetOf(query: DnsQuery, id: number): Buffer {
  const { name, type, edns, flags = FLAG.recursionDesired } = query;
  const header = wordsOf(id, flags, 1, 0, 0, edns === undefined ? 0 : 1);
  const labels = name.split('.').filter((label) => label !== '');
  const wire = labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  const question = [...wire, Buffer.from([0]), wordsOf(type, query.class ?? 1)];
  if (edns === undefined) return Buffer.concat([header, ...question]);
  const options = Buffer.from(edns.options ?? '', 'hex');
  const fixed = wordsOf(
    TYPE.OPT,
    edns.udpBytes,
    edns.version ?? 0,
    edns.dnssecOk === true ? 0x80_00 : 0,
    options.length,
  );
  return Buffer.concat([header, ...question, Buffer.from([0]), fixed, options]);
}

/** Takes a reply apart; whatever cannot be read is an error. */
export function readReply(packet: Buffer): DnsReply {
  const flags = packet.readUInt16BE(2);
  const reader = new MessageReader(packet);
  const questions = Array.from({ length: packet.readUInt16BE(4) }, () => {
    const name = reader.name();
    return `${name} ${typeName(reader.word())} ${reader.word()}`;
  });
  const [answer = [], authority = [], additional = []] = [6, 8, 10].map((at) =>
    Array.from({ length: packet.readUInt16BE(at) }, () => reader.record()),
  );
  const opt = additional.find(({ type }) => type === TYPE.OPT);
  const rcode = (flags & 15) | (((opt?.ttl ?? 0) >>> 24) << 4);
  const texts = (records: readonly WireRecord[]): readonly string[] =>
    records
      .filter(({ type }) => type !== TYPE.OPT)
      .map(({ text }) => text)
      .toSorted();
  return {
    rcode: RCODE_NAMES[rcode] ?? String(rcode),
    flags: Object.entries(FLAG_NAMES)
      .flatMap(([name, bit]) => ((flags & bit) === 0 ? [] : name))
      .join(' '),
    question: questions.join(', '),
    answer: texts(answer),
    authority: texts(authority),
    additional: texts(additional),
    opt: opt === undefined ? '' : opt.text,
  };
}

interface WireRecord {
  readonly type: number;
  readonly ttl: number;
  readonly text: string;
}

class MessageReader {
  readonly #packet: Buffer;
  #at = HEADER_BYTES;

  constructor(packet: Buffer) {
    this.#packet = packet;
  }

  word(): number {
    this.#at += 2;
    return this.#packet.readUInt16BE(this.#at - 2);
  }

  name(): string {
    const labels: string[] = [];
    let end = 0;
    for (let at = this.#at, hops = 0; ; ) {
      const length = this.#packet.readUInt8(at);
      if (length >= 0xc0) {
        if (end === 0) end = at + 2;
        at = this.#packet.readUInt16BE(at) & 0x3f_ff;
        if (hops++ > 100) throw new Error('a name without end');
        continue;
      }
      if (length === 0) {
        this.#at = end === 0 ? at + 1 : end;
        return `${labels.join('.')}.`;
      }
      labels.push(this.#packet.toString('latin1', at + 1, at + 1 + length));
      at += length + 1;
    }
  }

  record(): WireRecord {
    const owner = this.name();
    const [type, recordClass] = [this.word(), this.word()];
    const ttl = this.word() * 0x1_00_00 + this.word();
    const end = this.word() + this.#at;
    if (type === TYPE.OPT) {
      const options = this.#packet.toString('hex', this.#at, end);
      this.#at = end;
      const words = [String(recordClass), (ttl & 0x80_00) === 0 ? '' : 'do', options];
      return { type, ttl, text: words.filter((word) => word !== '').join(' ') };
    }
    const text = `${owner} ${ttl} ${typeName(type)} ${this.#data(type, end)}`;
    if (this.#at !== end) throw new Error(`a record of the wrong length: ${text}`);
    return { type, ttl, text };
  }

  #data(type: number, end: number): string {
    switch (type) {
      case TYPE.CNAME:
      case TYPE.NS:
      case TYPE.PTR:
        return this.name();
      case TYPE.SRV:
        return [this.word(), this.word(), this.word(), this.name()].join(' ');
      case TYPE.SOA:
        return this.#startOfAuthority(end);
      default: {
        const data = this.#packet.subarray(this.#at, end);
        this.#at = end;
        const isAddress = type === TYPE.A || type === TYPE.AAAA;
        return isAddress ? addressText(data.toString('latin1')) : data.toString('hex');
      }
    }
  }

  /** Without the serial, which every server has of its own. */
  #startOfAuthority(end: number): string {
    const names = `${this.name()} ${this.name()}`;
    const timers = [4, 8, 12, 16].map((offset) => this.#packet.readUInt32BE(this.#at + offset));
    this.#at = end;
    return `${names} * ${timers.join(' ')}`;
  }
}

function wordsOf(...words: readonly number[]): Buffer {
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}
