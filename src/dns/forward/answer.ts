import { CLASS_IN, FLAG, HEADER_BYTES, TYPE } from '../wire/constants.ts';
import type { ScannedMessage, ScannedRecord } from './scan.ts';

/**
 * An upstream's answer, ready to be given to anybody who asks the same: its octets as they came, without OPT, with TTLs
 * that are not above the cap. What differs from client to client is put into a copy, see `reply.ts`.
 */
export interface Answer {
  readonly bytes: Uint8Array;
  /** As received: AA, AD and the response code are of interest. */
  readonly flags: number;
  readonly questionEnd: number;
  /** Two numbers for each record: the offset of its TTL, and the octet after it. */
  readonly layout: Uint16Array;
  /** Records of the answer section. */
  readonly answers: number;
  /** Records of the authority section. */
  readonly authorities: number;
  /** Where there are several addresses to choose from. */
  readonly addresses: AddressRun | undefined;
}

/** Records of one name that differ in their address only: many clients take the first, so it should not always be the same. */
export interface AddressRun {
  /** Place of the first record. */
  readonly first: number;
  readonly count: number;
  /** Octets of an address. */
  readonly bytes: number;
}

export interface AnswerLimits {
  /** Seconds; shorter TTLs are made this long, if that is not above the cap. */
  readonly minTtlS: number;
  /** Seconds; longer TTLs are cut to this. */
  readonly maxTtlS: number;
  /** Records from the first one for which this is true are left out. */
  readonly isUnwanted: (record: ScannedRecord) => boolean;
}

/** Takes from a message what may be told. */
export function prepareAnswer(message: ScannedMessage, { minTtlS, maxTtlS, isUnwanted }: AnswerLimits): Answer {
  const { bytes: source, flags, questionEnd } = message;
  const unwanted = message.records.findIndex(isUnwanted);
  const records = unwanted < 0 ? message.records : message.records.slice(0, unwanted);
  // Of its own: a part of Node's pool would keep all of the pool alive for as long as it is in the cache.
  const bytes = Buffer.allocUnsafeSlow(records.at(-1)?.end ?? questionEnd);
  bytes.set(source.subarray(0, bytes.length));
  const layout = new Uint16Array(2 * records.length);
  for (const [i, { ttlAt, ttlS, end }] of records.entries()) {
    bytes.writeUInt32BE(Math.min(Math.max(ttlS, minTtlS), maxTtlS), ttlAt);
    layout[2 * i] = ttlAt;
    layout[2 * i + 1] = end;
  }
  const count = (section: string) => records.filter((record) => record.section === section).length;
  const answers = count('answer');
  const authorities = count('authority');
  bytes.writeUInt16BE(answers, 6);
  bytes.writeUInt16BE(authorities, 8);
  bytes.writeUInt16BE(records.length - answers - authorities, 10);
  return { bytes, flags, questionEnd, layout, answers, authorities, addresses: findAddresses(records) };
}

function findAddresses(records: readonly ScannedRecord[]): AddressRun | undefined {
  const isAddress = ({ section, type, class: recordClass }: ScannedRecord): boolean =>
    section === 'answer' && recordClass === CLASS_IN && (type === TYPE.A || type === TYPE.AAAA);
  const first = records.findIndex(isAddress);
  const head = records[first];
  if (head === undefined) return undefined;
  const isAlike = (record: ScannedRecord): boolean =>
    isAddress(record) && record.type === head.type && record.owner === head.owner;
  const rest = records.slice(first).findIndex((record) => !isAlike(record));
  const count = rest < 0 ? records.length - first : rest;
  return count > 1 ? { first, count, bytes: head.end - head.dataAt } : undefined;
}

/** What an answer costs in memory, about: its octets, and the objects that Node needs to hold them. */
export function sizeOf(answer: Answer): number {
  return answer.bytes.length + 2 * answer.layout.length + OBJECT_BYTES;
}

/** Measured with 20,000 entries, their keys and the lists that they are in: heap and buffers, without the octets. */
const OBJECT_BYTES = 740;

/**
 * Only the question, for replies that have nothing else.
 *
 * @param question name, type and class as on the wire.
 */
export function emptyAnswer(question: Uint8Array, rcode: number): Answer {
  const questionEnd = HEADER_BYTES + question.length;
  // Of its own, as above: it may be kept.
  const bytes = Buffer.from(new ArrayBuffer(questionEnd));
  bytes.set(question, HEADER_BYTES);
  bytes.writeUInt16BE(1, 4);
  const flags = FLAG.response | rcode;
  const layout = new Uint16Array(0);
  return { bytes, flags, questionEnd, layout, answers: 0, authorities: 0, addresses: undefined };
}
