import { DNSSEC_OK, EDNS_OPTION, TYPE } from './wire/constants.ts';
import type { Edns } from './wire/query.ts';
import { MessageWriter } from './wire/writer.ts';

export interface OptSettings {
  /** The most that is sent over UDP, and what is said to be taken: 512 to 4096. */
  readonly maxUdpBytes: number;
  /** Sent to those who ask which server answers; empty: not told. */
  readonly nsid: string;
}

/** What an OPT record says besides what every one says. */
export interface OptContent {
  readonly rcode: number;
  /** Why (RFC 8914). */
  readonly extendedError?: number | undefined;
  /** The same for people. */
  readonly extendedText?: string | undefined;
}

const NO_RECORD = new Uint8Array(0);

/**
 * The OPT records of replies: our size, the client's DO bit, none of its options but those that are answered (RFC 6891). Nearly
 * all replies have one of two, which are made once.
 */
export class OptRecords {
  readonly #settings: OptSettings;
  readonly #plain: Uint8Array;
  readonly #dnssecOk: Uint8Array;

  constructor(settings: OptSettings) {
    this.#settings = settings;
    const edns = { udpBytes: 0, version: 0, dnssecOk: false, wantsNsid: false };
    this.#plain = this.#make(edns, { rcode: 0 });
    this.#dnssecOk = this.#make({ ...edns, dnssecOk: true }, { rcode: 0 });
  }

  /** Empty for clients that sent none. */
  for(edns: Edns | undefined, content: OptContent): Uint8Array {
    if (edns === undefined) return NO_RECORD;
    const isPlain = content.rcode < 16 && content.extendedError === undefined;
    if (isPlain && !edns.wantsNsid) return edns.dnssecOk ? this.#dnssecOk : this.#plain;
    return this.#make(edns, content);
  }

  #make({ dnssecOk, wantsNsid }: Edns, { rcode, extendedError, extendedText = '' }: OptContent): Uint8Array {
    const { maxUdpBytes, nsid } = this.#settings;
    const options = new MessageWriter(32);
    if (wantsNsid && nsid !== '') {
      const name = Buffer.from(nsid, 'utf8');
      options.word(EDNS_OPTION.nsid);
      options.word(name.length);
      options.append(name);
    }
    if (extendedError !== undefined) {
      options.word(EDNS_OPTION.extendedError);
      const text = Buffer.from(extendedText, 'utf8');
      options.word(2 + text.length);
      options.word(extendedError);
      options.append(text);
    }
    const record = new MessageWriter(32);
    record.octet(0);
    record.word(TYPE.OPT);
    record.word(maxUdpBytes);
    record.octet(rcode >> 4);
    record.octet(0); // the version
    record.word(dnssecOk ? DNSSEC_OK : 0);
    record.word(options.length);
    record.append(options.bytes);
    return Uint8Array.from(record.bytes);
  }
}
