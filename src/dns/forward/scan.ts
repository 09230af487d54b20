import { CLASS_IN, FLAG, HEADER_BYTES, TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { readName, ROOT, skipName } from '../wire/name.ts';
import { word } from '../wire/query.ts';

export type Section = 'answer' | 'authority' | 'additional';

/** A record of somebody else's message; the offsets lead into {@link ScannedMessage.bytes}. */
export interface ScannedRecord {
  readonly section: Section;
  readonly owner: NameKey;
  readonly type: number;
  readonly class: number;
  readonly ttlAt: number;
  /** Seconds; 0 where the highest bit is set (RFC 2181, 8). */
  readonly ttlS: number;
  readonly dataAt: number;
  /** The octet after the record; the next one begins here. */
  readonly end: number;
}

/** A response whose structure is sound: all names, lengths and counts add up. */
export interface ScannedMessage {
  readonly bytes: Uint8Array;
  readonly flags: number;
  /** All 12 bits, when there is an OPT record to have the upper ones. */
  readonly rcode: number;
  readonly hasEdns: boolean;
  readonly questionEnd: number;
  /** In their order, without OPT and without what comes after it, which can only be signatures of the transaction. */
  readonly records: readonly ScannedRecord[];
}

/** Where the header counts the records of each section. */
const COUNTS = [
  ['answer', 6],
  ['authority', 8],
  ['additional', 10],
] as const;

/** Type, class, TTL and length. */
const FIXED_BYTES = 10;

/** Octets before the names of a record's data, how many names, octets after them. */
type DataShape = readonly [before: number, names: number, after: number];

/**
 * What the data of a type begins with, how many names follow and what ends it. Only these types may have compressed
 * names (RFC 3597, 4), so only in these can a pointer lead astray; all other data is opaque.
 */
const DATA: ReadonlyMap<number, DataShape> = new Map([
  [TYPE.A, [4, 0, 0]],
  [TYPE.NS, [0, 1, 0]],
  [3, [0, 1, 0]], // MD
  [4, [0, 1, 0]], // MF
  [TYPE.CNAME, [0, 1, 0]],
  [TYPE.SOA, [0, 2, 20]],
  [7, [0, 1, 0]], // MB
  [8, [0, 1, 0]], // MG
  [9, [0, 1, 0]], // MR
  [TYPE.PTR, [0, 1, 0]],
  [14, [0, 2, 0]], // MINFO
  [TYPE.MX, [2, 1, 0]],
  [17, [0, 2, 0]], // RP
  [18, [2, 1, 0]], // AFSDB
  [21, [2, 1, 0]], // RT
  [26, [2, 2, 0]], // PX
  [TYPE.AAAA, [16, 0, 0]],
  [TYPE.SRV, [6, 1, 0]],
  [36, [2, 1, 0]], // KX
  [TYPE.DNAME, [0, 1, 0]],
] as const);

/**
 * Reads an upstream's message to its end, in one pass: pointers only lead back, lengths and counts have to be right.
 * Octets behind the last record are ignored. Of a truncated message the records that are whole are kept.
 *
 * @returns `undefined` when it cannot be trusted to mean the same to every reader.
 */
export function scanMessage(bytes: Uint8Array): ScannedMessage | undefined {
  if (bytes.length < HEADER_BYTES || word(bytes, 4) !== 1) return undefined;
  const nameEnd = skipName(bytes, HEADER_BYTES);
  if (nameEnd < 0 || nameEnd + 4 > bytes.length) return undefined;
  const flags = word(bytes, 2);
  const questionEnd = nameEnd + 4;
  const found = scanRecords(bytes, questionEnd, (flags & FLAG.truncated) !== 0);
  if (found === undefined) return undefined;
  const { records, opt } = found;
  // The upper eight bits are where other records have the first octet of their TTL (RFC 6891, 6.1.3).
  const upper = opt === undefined ? 0 : (bytes[opt.ttlAt] ?? 0);
  return { bytes, flags, rcode: (upper << 4) | (flags & 0x0f), hasEdns: opt !== undefined, questionEnd, records };
}

interface FoundRecords {
  readonly records: readonly ScannedRecord[];
  readonly opt: ScannedRecord | undefined;
}

/**
 * Names must not lead through what will be changed, the header, TTLs and addresses: they would be other names the next time.
 * In the copy that is read no label can begin there.
 */
const NO_LABEL = 0x80;

function scanRecords(message: Uint8Array, start: number, truncated: boolean): FoundRecords | undefined {
  const bytes = Uint8Array.from(message).fill(NO_LABEL, 0, HEADER_BYTES);
  const records: ScannedRecord[] = [];
  let opt: ScannedRecord | undefined;
  let at = start;
  for (const [section, countAt] of COUNTS) {
    for (let left = word(message, countAt); left > 0; left--) {
      const record = scanRecord(bytes, at, section);
      if (record === undefined) return truncated ? { records, opt } : undefined;
      at = record.end;
      if (record.type === TYPE.OPT) {
        // RFC 6891, 6.1.1: one of them, in the additional section, owned by the root.
        if (opt !== undefined || section !== 'additional' || record.owner !== ROOT) return undefined;
        opt = record;
      } else if (opt === undefined) records.push(record);
    }
  }
  return { records, opt };
}

/** The data of a record with its names in full, so that it can stand in another message. */
export function plainData({ bytes }: ScannedMessage, record: ScannedRecord): Uint8Array {
  const [before, names] = shapeOf(record) ?? [0, 0];
  if (names === 0) return bytes.subarray(record.dataAt, record.end);
  let at = record.dataAt + before;
  const parts: Uint8Array[] = [bytes.subarray(record.dataAt, at)];
  for (let i = 0; i < names; i++) {
    const found = readName(bytes, at);
    if (found === undefined) break;
    parts.push(Buffer.from(found.name, 'latin1'));
    at = found.end;
  }
  return Buffer.concat([...parts, bytes.subarray(at, record.end)]);
}

/** The name that the data of a CNAME or DNAME record is. */
export function targetOf(message: ScannedMessage, record: ScannedRecord): NameKey {
  return readName(message.bytes, record.dataAt)?.name ?? ROOT;
}

/** The last field of a SOA record: how long its zone wants a denial to be kept (RFC 2308, 4). */
export function soaMinimumS(message: ScannedMessage, record: ScannedRecord): number {
  return ttlAt(message.bytes, record.end - 4);
}

function scanRecord(bytes: Uint8Array, at: number, section: Section): ScannedRecord | undefined {
  const fixed = skipName(bytes, at);
  const dataAt = fixed + FIXED_BYTES;
  const end = dataAt + word(bytes, fixed + 8);
  if (fixed < 0 || dataAt > bytes.length || end > bytes.length) return undefined;
  const ttlS = ttlAt(bytes, fixed + 4);
  const type = word(bytes, fixed);
  bytes.fill(NO_LABEL, fixed + 4, fixed + 8);
  if (type === TYPE.A || type === TYPE.AAAA) bytes.fill(NO_LABEL, dataAt, end);
  const owner = readName(bytes, at)?.name;
  if (owner === undefined) return undefined;
  const record = { section, owner, type, class: word(bytes, fixed + 2), ttlAt: fixed + 4, ttlS, dataAt, end };
  return isDataSound(bytes, record) ? record : undefined;
}

function isDataSound(bytes: Uint8Array, record: ScannedRecord): boolean {
  const shape = shapeOf(record);
  if (shape === undefined) return true;
  const [before, names, after] = shape;
  let at = record.dataAt + before;
  for (let i = 0; i < names; i++) {
    const name = readName(bytes, at);
    if (name === undefined) return false;
    at = name.end;
  }
  return at + after === record.end;
}

function shapeOf(record: ScannedRecord): DataShape | undefined {
  return record.class === CLASS_IN ? DATA.get(record.type) : undefined;
}

function ttlAt(bytes: Uint8Array, at: number): number {
  const high = word(bytes, at);
  return high >= 0x80_00 ? 0 : high * 0x1_00_00 + word(bytes, at + 2);
}
