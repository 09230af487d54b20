import { FLAG, MIN_UDP_BYTES, RCODE, TYPE } from '../../../src/dns/wire/constants.ts';
import { nameText } from '../../../src/dns/wire/name.ts';
import type { Seen } from '../../unit/dns/forward/fake-upstream.ts';
import { FakeUpstream } from '../../unit/dns/forward/fake-upstream.ts';
import type { ResponseSpec } from '../../unit/dns/forward/messages.ts';
import { a, alias, response, soa } from '../../unit/dns/forward/messages.ts';

/** Nobody keeps these answers: a TTL that counts down would be another one with every question. */
const TTL_S = 0;

const MANY = Array.from({ length: 60 }, (_, i) => a('many.example.org', `192.0.2.${i + 1}`, TTL_S));

/** What both servers are told about names of others. */
const NAMES: Readonly<Record<string, ResponseSpec>> = {
  'www.example.org.': { answer: [a('www.example.org', '192.0.2.7', TTL_S)] },
  'alias.example.org.': {
    answer: [alias('alias.example.org', 'www.example.org', TTL_S), a('www.example.org', '192.0.2.7', TTL_S)],
  },
  'many.example.org.': { answer: MANY },
  'failure.example.org.': { rcode: RCODE.servFail },
};

const EMPTY_NAME = 'empty.example.org.';
const EMPTY: ResponseSpec = { authority: [soa('example.org', { ttlS: TTL_S, minimumS: TTL_S })] };
const MISSING: ResponseSpec = { rcode: RCODE.nxDomain, authority: [soa('.', { ttlS: TTL_S, minimumS: TTL_S })] };

/** The servers of all names that are not the cluster's. */
export function outsideWorld(): Promise<FakeUpstream> {
  return FakeUpstream.start((seen) => [answerTo(seen)]);
}

/** Repeats, as servers do, what the query says of recursion and of checks. */
function answerTo({ query, transport }: Seen): Buffer {
  const name = nameText(query.name);
  const known = NAMES[name];
  const repeated = query.flags & (FLAG.recursionDesired | FLAG.checkingDisabled);
  const spec =
    known === undefined
      ? name === EMPTY_NAME
        ? EMPTY
        : MISSING
      : query.type === TYPE.A || known.rcode !== undefined
        ? known
        : EMPTY;
  const opt = query.edns !== undefined;
  const whole = response(query, { ...spec, flags: repeated, opt });
  const limit = transport === 'tcp' ? Number.POSITIVE_INFINITY : Math.max(MIN_UDP_BYTES, query.edns?.udpBytes ?? 0);
  return whole.length <= limit ? whole : response(query, { flags: repeated | FLAG.truncated, opt });
}
