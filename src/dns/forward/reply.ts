import type { OptRecords } from '../opt.ts';
import { FLAG, HEADER_BYTES } from '../wire/constants.ts';
import type { Query } from '../wire/query.ts';
import type { Answer } from './answer.ts';

/** Why an answer is not what it could be (RFC 8914); goes to clients that send an OPT record. */
export interface ExtendedError {
  readonly code: number;
  readonly text: string;
}

export interface ReplyOptions {
  readonly answer: Answer;
  readonly query: Query;
  /** What fits for this client. */
  readonly maxBytes: number;
  readonly opt: OptRecords;
  /** Whole seconds that the answer has been in the cache; absent when it comes from the upstream just now. */
  readonly ageS?: number;
  /** Which of several addresses comes first. */
  readonly turn?: number;
  /** All TTLs become this, in seconds, for an answer that is older than it should be (RFC 8767, 5). */
  readonly staleTtlS?: number;
  readonly error?: ExtendedError;
}

/** Opcode, recursion desired, checking disabled: what a reply repeats. */
const REPEATED_FLAGS = 0x78_00 | FLAG.recursionDesired | FLAG.checkingDisabled;

const RCODE_MASK = 0x0f;

/** A message for one client: its id, its spelling of the question, the flags it may have, TTLs of now. */
export function buildReply(options: ReplyOptions): Buffer {
  const { answer, query, maxBytes, error } = options;
  const opt = options.opt.for(query.edns, { rcode: 0, extendedError: error?.code, extendedText: error?.text });
  const room = maxBytes - opt.length;
  const kept = answer.bytes.length <= room ? answer.layout.length / 2 : recordsThatFit(answer, room);
  const bodyBytes = kept === 0 ? answer.questionEnd : (answer.layout[2 * kept - 1] ?? 0);
  const reply = Buffer.allocUnsafe(bodyBytes + opt.length);
  if (bodyBytes === answer.bytes.length) reply.set(answer.bytes);
  else reply.set(answer.bytes.subarray(0, bodyBytes));
  for (let i = HEADER_BYTES; i < query.questionEnd; i++) reply[i] = query.packet[i] ?? 0;

  putWord(reply, 0, query.id);
  putWord(reply, 2, flagsFor(options, kept));
  if (kept < answer.layout.length / 2) putCounts(reply, answer, kept);
  if (answer.addresses !== undefined) turnAddresses(reply, answer, { kept, turn: options.turn ?? 0 });
  if (options.staleTtlS !== undefined) setTtls(reply, answer.layout.subarray(0, 2 * kept), options.staleTtlS);
  else if (options.ageS !== undefined && options.ageS > 0) ageTtls(reply, answer.layout, { kept, ageS: options.ageS });
  if (opt.length > 0) {
    for (let i = 0; i < opt.length; i++) reply[bodyBytes + i] = opt[i] ?? 0;
    putWord(reply, 10, reply.readUInt16BE(10) + 1);
  }
  return reply;
}

/** The answer is complete, or TC says that it is not; other sections may be shorter silently (RFC 2181, 9). */
function flagsFor({ answer, query, ageS }: ReplyOptions, kept: number): number {
  const { flags } = answer;
  let out = FLAG.response | FLAG.recursionAvailable | (query.flags & REPEATED_FLAGS) | (flags & RCODE_MASK);
  const needed = answer.answers === 0 ? answer.authorities : answer.answers;
  if ((flags & FLAG.truncated) !== 0 || kept < needed) out |= FLAG.truncated;
  // What comes from a cache does not come from the authority.
  if (ageS === undefined) out |= flags & FLAG.authoritative;
  const wantsAuthentic = query.edns?.dnssecOk === true || (query.flags & FLAG.authenticData) !== 0;
  if (wantsAuthentic) out |= flags & FLAG.authenticData;
  return out;
}

/** Pointers only lead back, so a message may end after any record. */
function recordsThatFit({ layout }: Answer, room: number): number {
  let kept = layout.length / 2;
  while (kept > 0 && (layout[2 * kept - 1] ?? 0) > room) kept--;
  return kept;
}

function putCounts(reply: Buffer, { answers, authorities }: Answer, kept: number): void {
  const keptAnswers = Math.min(kept, answers);
  const keptAuthorities = Math.min(kept - keptAnswers, authorities);
  putWord(reply, 6, keptAnswers);
  putWord(reply, 8, keptAuthorities);
  putWord(reply, 10, kept - keptAnswers - keptAuthorities);
}

/** Also a client that gets only some of the addresses gets others than the client before. */
function turnAddresses(
  reply: Buffer,
  { addresses, layout, bytes }: Answer,
  { kept, turn }: { kept: number; turn: number },
): void {
  if (addresses === undefined) return;
  const { first, count } = addresses;
  const offset = turn % count;
  if (offset === 0) return;
  for (let i = 0; i < count && first + i < kept; i++) {
    const from = layout[2 * (first + ((i + offset) % count)) + 1] ?? 0;
    const to = layout[2 * (first + i) + 1] ?? 0;
    for (let octet = addresses.bytes; octet > 0; octet--) reply[to - octet] = bytes[from - octet] ?? 0;
  }
}

function setTtls(reply: Buffer, layout: Uint16Array, ttlS: number): void {
  for (let i = 0; i < layout.length; i += 2) reply.writeUInt32BE(ttlS, layout[i]);
}

function ageTtls(reply: Buffer, layout: Uint16Array, { kept, ageS }: { kept: number; ageS: number }): void {
  for (let i = 0; i < 2 * kept; i += 2) {
    const at = layout[i] ?? 0;
    reply.writeUInt32BE(Math.max(0, reply.readUInt32BE(at) - ageS), at);
  }
}

function putWord(reply: Buffer, at: number, value: number): void {
  reply[at] = value >>> 8;
  reply[at + 1] = value & 0xff;
}
