import { CLASS_IN, FLAG, HEADER_BYTES, TYPE } from '../../../../src/dns/wire/constants.ts';
import type { NameKey } from '../../../../src/dns/wire/name.ts';
import { encodeName } from '../../../../src/dns/wire/name.ts';
import type { Query } from '../../../../src/dns/wire/query.ts';
import { isRefusal, parseQuery } from '../../../../src/dns/wire/query.ts';
import { MessageWriter } from '../../../../src/dns/wire/writer.ts';

/** A record to be; the owner and the names in its data are compressed. */
export interface RecordSpec {
  readonly owner: string;
  readonly type: number;
  readonly ttlS: number;
  readonly data: (writer: MessageWriter) => void;
}

export interface ResponseSpec {
  readonly rcode?: number;
  /** Besides QR and RA. */
  readonly flags?: number;
  readonly answer?: readonly RecordSpec[];
  readonly authority?: readonly RecordSpec[];
  readonly additional?: readonly RecordSpec[];
  /** Adds an OPT record. */
  readonly opt?: boolean;
}

export function key(name: string): NameKey {
  const found = encodeName(name);
  if (found === undefined) throw new Error(`no name: ${name}`);
  return found;
}

export function a(owner: string, address: string, ttlS = 300): RecordSpec {
  const octets = address.split('.').map(Number);
  return { owner, type: TYPE.A, ttlS, data: (writer) => writer.append(Uint8Array.from(octets)) };
}

export function alias(owner: string, target: string, ttlS = 300): RecordSpec {
  return { owner, type: TYPE.CNAME, ttlS, data: (writer) => writer.name(key(target)) };
}

export function text(owner: string, octets: number, ttlS = 300): RecordSpec {
  return { owner, type: TYPE.TXT, ttlS, data: (writer) => writer.append(Buffer.alloc(octets, 1)) };
}

export function soa(owner: string, { ttlS = 300, minimumS = 60 } = {}): RecordSpec {
  const data = (writer: MessageWriter): void => {
    const zone = owner === '.' ? '' : owner;
    writer.name(key(`ns.${zone}`));
    writer.name(key(`hostmaster.${zone}`));
    for (const value of [1, 7200, 1800, 86_400, minimumS]) writer.long(value);
  };
  return { owner, type: TYPE.SOA, ttlS, data };
}

export interface QuerySpec {
  readonly id?: number;
  readonly type?: number;
  readonly flags?: number;
  /** Adds an OPT record. */
  readonly edns?: boolean;
  readonly dnssecOk?: boolean;
}

/** As a client sends it, and read by the guard. */
export function query(name: string, spec: QuerySpec = {}): Query {
  const writer = new MessageWriter();
  writer.word(spec.id ?? 0x12_34);
  writer.word(spec.flags ?? FLAG.recursionDesired);
  for (const count of [1, 0, 0, spec.edns === true ? 1 : 0]) writer.word(count);
  // Labels as written: the case is the client's.
  for (const label of name === '.' ? [] : name.split('.')) {
    writer.octet(label.length);
    writer.latin1(label);
  }
  writer.octet(0);
  writer.word(spec.type ?? TYPE.A);
  writer.word(CLASS_IN);
  if (spec.edns === true) opt(writer, spec.dnssecOk === true ? 0x80_00 : 0);
  const parsed = parseQuery(Buffer.from(writer.bytes));
  if (isRefusal(parsed)) throw new Error('refused');
  return parsed;
}

/** What an upstream answers to a query. */
export function response(to: Query, spec: ResponseSpec = {}): Buffer {
  const { answer = [], authority = [], additional = [] } = spec;
  const writer = new MessageWriter();
  writer.append(to.packet.subarray(0, to.questionEnd));
  writer.patchWord(2, FLAG.response | FLAG.recursionAvailable | (spec.flags ?? 0) | (spec.rcode ?? 0));
  const counts = [1, answer.length, authority.length, additional.length + (spec.opt === true ? 1 : 0)];
  for (const [i, count] of counts.entries()) writer.patchWord(4 + 2 * i, count);
  writer.know(to.name, HEADER_BYTES);
  for (const record of [...answer, ...authority, ...additional]) put(writer, record);
  if (spec.opt === true) opt(writer, 0);
  return Buffer.from(writer.bytes);
}

function put(writer: MessageWriter, { owner, type, ttlS, data }: RecordSpec): void {
  writer.name(key(owner));
  writer.word(type);
  writer.word(CLASS_IN);
  writer.long(ttlS);
  const lengthAt = writer.length;
  writer.word(0);
  data(writer);
  writer.patchWord(lengthAt, writer.length - lengthAt - 2);
}

function opt(writer: MessageWriter, flags: number): void {
  writer.octet(0);
  writer.word(TYPE.OPT);
  writer.word(1232);
  writer.word(0);
  writer.word(flags);
  writer.word(0);
}
