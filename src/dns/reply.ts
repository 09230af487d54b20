import type { Query } from './wire/query.ts';
import { word } from './wire/query.ts';
import { FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, MIN_UDP_BYTES } from './wire/constants.ts';
import type { OptSettings } from './opt.ts';
import { OptRecords } from './opt.ts';
import type { Answer } from './zone/answer.ts';

/** What every reply of a server has in common. */
export interface ReplySettings extends OptSettings {
  /** Whether names of other zones are looked up, so that stub resolvers need not go on to the next server. */
  readonly recursion: boolean;
}

/** What a reply says. */
export interface ReplyContent {
  readonly rcode: number;
  readonly authoritative?: boolean;
  readonly answer?: Answer | undefined;
  /** The SOA record without owner, and where the question has its zone. */
  readonly soa?: Uint8Array;
  readonly soaOwnerAt?: number;
  /** The SOA record is the answer itself. */
  readonly soaAnswers?: boolean;
  /** Why (RFC 8914). */
  readonly extendedError?: number;
}

const POINTER = 0xc0_00;

/** Type, class, TTL and length of a record. */
const FIXED_BYTES = 10;

/** Up to here a loop is faster than a call. */
const SHORT_COPY = 192;

const KEPT_FLAGS = FLAG.recursionDesired | FLAG.checkingDisabled;

/** How many octets a reply may have. */
export function replyLimit(query: Query, transport: 'udp' | 'tcp', maxUdpBytes: number): number {
  if (transport === 'tcp') return MAX_MESSAGE_BYTES;
  if (query.edns === undefined) return MIN_UDP_BYTES;
  return Math.max(MIN_UDP_BYTES, Math.min(query.edns.udpBytes, maxUdpBytes));
}

/** The flag word of a reply, without answer-specific bits. */
export function replyFlags(query: Query, recursion: boolean): number {
  return FLAG.response | (query.flags & KEPT_FLAGS) | (recursion ? FLAG.recursionAvailable : 0);
}

/** Writes replies, all into one buffer: nothing is allocated for a reply. */
export class ReplyWriter {
  /** Replaced by the caller when it has to keep what was written. */
  buffer: Buffer = Buffer.allocUnsafeSlow(MAX_MESSAGE_BYTES);
  readonly #settings: ReplySettings;
  readonly #opt: OptRecords;
  #at = 0;
  /** Every reply begins with the next record, so that clients who take the first one spread. */
  #turn = 0;

  constructor(settings: ReplySettings) {
    this.#settings = settings;
    this.#opt = new OptRecords(settings);
  }

  /** A header alone, for packets whose question cannot be trusted. @returns its length. */
  writeHeader(packet: Uint8Array, rcode: number): number {
    this.#at = 0;
    const kept = word(packet, 2) & (0x78_00 | FLAG.recursionDesired); // the operation code too
    this.#word(word(packet, 0));
    this.#word(FLAG.response | kept | rcode);
    for (let i = 0; i < 4; i++) this.#word(0);
    return HEADER_BYTES;
  }

  /**
   * A whole reply of at most `limit` octets. Answers that do not fit make it truncated; additional records that do not fit
   * are left out without a word (RFC 2181, 9).
   *
   * @returns its length.
   */
  write(query: Query, content: ReplyContent, limit: number): number {
    this.#at = HEADER_BYTES;
    this.#copy(query.packet, HEADER_BYTES, query.questionEnd);
    const opt = this.#opt.for(query.edns, content);
    const room = limit - opt.length;
    const { answer, soa, soaAnswers = false } = content;
    const answers = answer === undefined ? 0 : this.#records(answer, room);
    const truncated = answer !== undefined && answers < answer.count;
    const hasSoa = soa !== undefined && !truncated && this.#soa(soa, content.soaOwnerAt ?? 0, room);
    const glue = answer === undefined || truncated ? 0 : this.#glue(answer, room);
    this.#copy(opt, 0, opt.length);
    const length = this.#at;
    this.#at = 0;
    this.#word(query.id);
    const flags = replyFlags(query, this.#settings.recursion) | (content.rcode & 0x0f);
    const authoritative = content.authoritative === true ? FLAG.authoritative : 0;
    this.#word(flags | authoritative | (truncated ? FLAG.truncated : 0));
    this.#word(1);
    this.#word(answers + Number(hasSoa && soaAnswers));
    this.#word(Number(hasSoa && !soaAnswers));
    this.#word(glue + Number(opt.length > 0));
    return length;
  }

  /** @returns how many records there was room for. */
  #records({ records, count }: Answer, room: number): number {
    const first = count > 1 ? this.#turn++ % count : 0;
    let start = 0;
    for (let i = 0; i < first; i++) start = recordEnd(records, start);
    if (this.#at + records.length <= room) {
      this.#copy(records, start, records.length);
      this.#copy(records, 0, start);
      return count;
    }
    let at = start;
    for (let i = 0; i < count; i++) {
      const end = recordEnd(records, at);
      if (this.#at + end - at > room) return i;
      this.#copy(records, at, end);
      at = end === records.length ? 0 : end;
    }
    return count;
  }

  #glue({ glue, glueCount }: Answer, room: number): number {
    if (this.#at + glue.length <= room) {
      this.#copy(glue, 0, glue.length);
      return glueCount;
    }
    let at = 0;
    for (let i = 0; i < glueCount; i++) {
      const end = recordEnd(glue, at);
      if (this.#at + end - at > room) return i;
      this.#copy(glue, at, end);
      at = end;
    }
    return glueCount;
  }

  #soa(record: Uint8Array, ownerAt: number, room: number): boolean {
    if (this.#at + 2 + record.length > room) return false;
    this.#word(POINTER | (HEADER_BYTES + ownerAt));
    this.#copy(record, 0, record.length);
    return true;
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    const { buffer } = this;
    if (end - start > SHORT_COPY) {
      buffer.set(from.subarray(start, end), this.#at);
      this.#at += end - start;
      return;
    }
    let at = this.#at;
    for (let i = start; i < end; i++) buffer[at++] = from[i] ?? 0;
    this.#at = at;
  }

  #octet(value: number): void {
    this.buffer[this.#at++] = value;
  }

  #word(value: number): void {
    this.#octet(value >> 8);
    this.#octet(value & 0xff);
  }
}

/** Where a record of ours ends: its owner is labels and a pointer, or labels and the root. */
function recordEnd(records: Uint8Array, start: number): number {
  let at = start;
  for (let length = records[at] ?? 0; length > 0 && length < 0xc0; length = records[at] ?? 0) at += length + 1;
  const fixed = at + ((records[at] ?? 0) === 0 ? 1 : 2);
  return fixed + FIXED_BYTES + word(records, fixed + FIXED_BYTES - 2);
}
