import { isDeepStrictEqual } from 'node:util';
import { typeName } from '../../../src/dns/wire/constants.ts';
import type { DnsQuery, DnsReply } from './message.ts';

/** A reply of sluice that no known difference explains. */
export interface Fault {
  readonly query: DnsQuery;
  readonly expected: DnsReply | undefined;
  readonly sluice: DnsReply | undefined;
}

/** So many records are enough to see what is wrong. */
const MAX_RECORDS = 5;

/** One line with the question and with what is otherwise than it should be. */
export function describeFault({ query, expected, sluice }: Fault): string {
  const { name, type, transport, flags = 0x01_00, edns } = query;
  const size = edns === undefined ? '' : ` ${edns.udpBytes} ${edns.options}`;
  const question = `${name} ${typeName(type)} ${transport} ${flags.toString(16)}${size}`;
  if (expected === undefined || sluice === undefined) {
    return `${question}: ${sluice === undefined ? 'no reply' : 'a reply where CoreDNS has none'}`;
  }
  const fields = Object.keys(expected) as (keyof DnsReply)[];
  const wrong = fields.filter((field) => !isDeepStrictEqual(expected[field], sluice[field]));
  return `${question}: ${wrong.map((field) => `${field}: ${difference(expected[field], sluice[field])}`).join('; ')}`;
}

function difference(wanted: string | readonly string[], found: string | readonly string[]): string {
  if (typeof wanted === 'string' || typeof found === 'string') return `${String(found)} instead of ${String(wanted)}`;
  const missing = wanted.filter((text) => !found.includes(text)).slice(0, MAX_RECORDS);
  const unwanted = found.filter((text) => !wanted.includes(text)).slice(0, MAX_RECORDS);
  return [...missing.map((text) => `- ${text}`), ...unwanted.map((text) => `+ ${text}`)].join(' ');
}
