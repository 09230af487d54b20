import {
  DNSSEC_OK,
  EDNS_OPTION,
  FLAG,
  HEADER_BYTES,
  MAX_LABEL_BYTES,
  MAX_NAME_BYTES,
  RCODE,
  TYPE,
} from './constants.ts';
import type { NameKey } from './name.ts';
import { foldOctet, skipName } from './name.ts';

/** What the OPT record of a query says (RFC 6891). */
export interface Edns {
  /** What the client can take over UDP, as it said: not clamped. */
  readonly udpBytes: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  /** It asks which server answers (RFC 5001). */
  readonly wantsNsid: boolean;
}

/** A query that can be answered; whether it is, others decide. */
export interface Query {
  readonly packet: Uint8Array;
  readonly id: number;
  /** The 16-bit flag word as received. */
  readonly flags: number;
  readonly name: NameKey;
  /** The question is `packet.subarray(HEADER_BYTES, questionEnd)`, in the case that the client used. */
  readonly questionEnd: number;
  readonly type: number;
  readonly class: number;
  readonly edns: Edns | undefined;
}

/** A packet that gets only a header in reply, or nothing at all. */
export type Refusal = { readonly refusal: 'silence' } | { readonly refusal: 'header'; readonly rcode: number };

const SILENCE: Refusal = { refusal: 'silence' };
const FORMAT_ERROR: Refusal = { refusal: 'header', rcode: RCODE.formErr };
const NOT_IMPLEMENTED: Refusal = { refusal: 'header', rcode: RCODE.notImp };

const OPCODE_SHIFT = 11;
const OPCODE_MASK = 0x0f;

/** A transaction signature and an OPT record; no query has more. */
const MAX_ADDITIONAL = 2;

/** Type, class, TTL and length of a record. */
const RECORD_FIXED_BYTES = 10;

/** The folded name is put together here: a query is parsed to its end before the next one. */
const folded = Buffer.alloc(MAX_NAME_BYTES);

/**
 * The guard: bounds-checked, one pass, no pointers in the question, at most 255 octets of name. Nothing is answered that
 * claims to be a response (a loop of two servers) or is shorter than a header (any answer would amplify).
 */
export function parseQuery(packet: Uint8Array): Query | Refusal {
  if (packet.length < HEADER_BYTES) return SILENCE;
  const flags = word(packet, 2);
  if ((flags & FLAG.response) !== 0) return SILENCE;
  if (((flags >> OPCODE_SHIFT) & OPCODE_MASK) !== 0) return NOT_IMPLEMENTED;
  const answers = word(packet, 6);
  const authorities = word(packet, 8);
  const additional = word(packet, 10);
  if (word(packet, 4) !== 1 || answers > 1 || authorities > 1 || additional > MAX_ADDITIONAL) return FORMAT_ERROR;
  const nameEnd = foldName(packet);
  if (nameEnd < 0 || nameEnd + 4 > packet.length) return FORMAT_ERROR;
  const questionEnd = nameEnd + 4;
  const records = answers + authorities + additional;
  const edns = records === 0 ? undefined : readEdns(packet, questionEnd, { skip: answers + authorities, additional });
  if (edns === BROKEN) return FORMAT_ERROR;
  return {
    packet,
    id: word(packet, 0),
    flags,
    name: folded.toString('latin1', 0, nameEnd - HEADER_BYTES),
    questionEnd,
    type: word(packet, nameEnd),
    class: word(packet, nameEnd + 2),
    edns,
  };
}

export function isRefusal(parsed: Query | Refusal): parsed is Refusal {
  return 'refusal' in parsed;
}

/** Copies the name after the header to {@link folded}. @returns the octet after it, -1 when it is no plain name. */
function foldName(packet: Uint8Array): number {
  let at = HEADER_BYTES;
  for (;;) {
    const length = packet[at];
    if (length === undefined || length > MAX_LABEL_BYTES) return -1;
    const next = at + length + 1;
    if (next > packet.length || next - HEADER_BYTES > MAX_NAME_BYTES) return -1;
    folded[at - HEADER_BYTES] = length;
    if (length === 0) return next;
    for (let i = at + 1; i < next; i++) folded[i - HEADER_BYTES] = foldOctet(packet[i] ?? 0);
    at = next;
  }
}

const BROKEN = Symbol('broken');

/** Walks over the records; a second OPT is an error (RFC 6891, 6.1.1). Octets after the last record are ignored. */
function readEdns(
  packet: Uint8Array,
  start: number,
  count: { readonly skip: number; readonly additional: number },
): Edns | undefined | typeof BROKEN {
  let at = start;
  let edns: Edns | undefined;
  for (let i = 0; i < count.skip + count.additional; i++) {
    const fixed = skipName(packet, at);
    if (fixed < 0 || fixed + RECORD_FIXED_BYTES > packet.length) return BROKEN;
    const data = fixed + RECORD_FIXED_BYTES;
    const end = data + word(packet, fixed + 8);
    if (end > packet.length) return BROKEN;
    if (i >= count.skip && word(packet, fixed) === TYPE.OPT) {
      const found = edns === undefined && packet[at] === 0 ? readOpt(packet, fixed, end) : undefined;
      if (found === undefined) return BROKEN;
      edns = found;
    }
    at = end;
  }
  return edns;
}

function readOpt(packet: Uint8Array, fixed: number, end: number): Edns | undefined {
  let wantsNsid = false;
  let at = fixed + RECORD_FIXED_BYTES;
  while (at < end) {
    if (at + 4 > end) return undefined;
    const next = at + 4 + word(packet, at + 2);
    if (next > end) return undefined;
    if (word(packet, at) === EDNS_OPTION.nsid) wantsNsid = true;
    at = next;
  }
  return {
    udpBytes: word(packet, fixed + 2),
    version: packet[fixed + 5] ?? 0,
    dnssecOk: (word(packet, fixed + 6) & DNSSEC_OK) !== 0,
    wantsNsid,
  };
}

/** Sixteen bits, big-endian; octets after the end count as 0. */
export function word(message: Uint8Array, at: number): number {
  return ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
}
