import { randomFillSync } from 'node:crypto';
import { CLASS_IN, DNSSEC_OK, FLAG, HEADER_BYTES, RCODE, TYPE } from '../wire/constants.ts';
import { foldOctet } from '../wire/name.ts';
import { word } from '../wire/query.ts';

/** What an upstream is asked, whoever asked us. */
export interface UpstreamQuestion {
  /** Name, type and class as on the wire. */
  readonly octets: Uint8Array;
  readonly recursionDesired: boolean;
  readonly checkingDisabled: boolean;
  readonly dnssecOk: boolean;
}

/** `. IN NS`: every server has some answer to that. */
export const PROBE: UpstreamQuestion = {
  octets: Uint8Array.of(0, 0, TYPE.NS, 0, CLASS_IN),
  recursionDesired: true,
  checkingDisabled: false,
  dnssecOk: false,
};

export interface EncodeOptions {
  /** Announces this many bytes over UDP; absent: a query as of 1987, for servers that know nothing else. */
  readonly ednsBytes?: number;
  /** Random upper and lower case, which a server repeats (draft-vixie-dnsext-dns0x20): more bits that a forger has to guess. */
  readonly mixCase: boolean;
}

/** A query under way. */
export interface SentQuery {
  readonly packet: Buffer;
  readonly questionEnd: number;
}

const OPT_BYTES = 11;

/** Random octets are made many at a time: a call of the generator costs more than all the rest. */
const random = Buffer.alloc(4096);
let randomUsed = random.length;

/** From the cryptographic generator: 0 to 65535. */
export function randomWord(): number {
  if (randomUsed + 2 > random.length) {
    randomFillSync(random);
    randomUsed = 0;
  }
  const value = random.readUInt16BE(randomUsed);
  randomUsed += 2;
  return value;
}

/**
 * A query of our own: random id, no options of the client (OPT is between neighbours, RFC 6891, 6.2.6; and an answer for
 * one client's subnet could not be shared). AD asks for the AD bit of the answer (RFC 6840, 5.7).
 */
export function encodeQuery(question: UpstreamQuestion, { ednsBytes, mixCase }: EncodeOptions): SentQuery {
  const questionEnd = HEADER_BYTES + question.octets.length;
  const packet = Buffer.alloc(questionEnd + (ednsBytes === undefined ? 0 : OPT_BYTES));
  packet.writeUInt16BE(randomWord(), 0);
  const flags =
    FLAG.authenticData |
    (question.recursionDesired ? FLAG.recursionDesired : 0) |
    (question.checkingDisabled ? FLAG.checkingDisabled : 0);
  packet.writeUInt16BE(flags, 2);
  packet.writeUInt16BE(1, 4);
  packet.set(question.octets, HEADER_BYTES);
  if (mixCase) mixNameCase(packet, questionEnd - 4);
  if (ednsBytes !== undefined) {
    packet.writeUInt16BE(1, 10);
    packet.writeUInt16BE(TYPE.OPT, questionEnd + 1);
    packet.writeUInt16BE(ednsBytes, questionEnd + 3);
    packet.writeUInt16BE(question.dnssecOk ? DNSSEC_OK : 0, questionEnd + 7);
  }
  return { packet, questionEnd };
}

/**
 * What a packet from the upstream's address is to a query: its answer; its answer with other upper and lower case; an
 * error of a server that could not even read the question; or something else, late or forged.
 */
export type Match = 'answer' | 'folded' | 'unread' | 'other';

export function matchResponse({ packet: sent, questionEnd }: SentQuery, response: Uint8Array): Match {
  if (response.length < HEADER_BYTES || word(response, 0) !== word(sent, 0)) return 'other';
  const flags = word(response, 2);
  // A response, and opcode 0.
  if ((flags & 0xf8_00) !== FLAG.response) return 'other';
  const rcode = flags & 0x0f;
  const questions = word(response, 4);
  if (questions === 0 && (rcode === RCODE.formErr || rcode === RCODE.notImp)) return 'unread';
  if (questions !== 1 || response.length < questionEnd) return 'other';
  let match: Match = 'answer';
  for (let i = HEADER_BYTES; i < questionEnd; i++) {
    const mine = sent[i] ?? 0;
    const theirs = response[i] ?? 0;
    if (mine === theirs) continue;
    // Type and class are no letters.
    if (i >= questionEnd - 4 || foldOctet(mine) !== foldOctet(theirs)) return 'other';
    match = 'folded';
  }
  return match;
}

function mixNameCase(packet: Buffer, nameEnd: number): void {
  let bits = 1;
  for (let i = HEADER_BYTES; i < nameEnd; i++) {
    const lower = foldOctet(packet[i] ?? 0);
    if (lower < 0x61 || lower > 0x7a) continue;
    // The top bit marks when all sixteen are used.
    if (bits === 1) bits = 0x1_00_00 | randomWord();
    packet[i] = (bits & 1) === 0 ? lower : lower & ~0x20;
    bits >>= 1;
  }
}
