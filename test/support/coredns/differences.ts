import { followed } from './alias.ts';
import type { Circumstances } from './circumstances.ts';
import type { DnsReply } from './message.ts';
import { isInZone, ZONE } from './names.ts';
import { ODD_PACKETS } from './packets.ts';
import { ASKED, hasFlag, withFlag } from './normal.ts';
import * as rules from './rules.ts';

/** Where sluice answers otherwise than CoreDNS, on purpose. */
export interface Difference {
  readonly what: string;
  readonly coredns: string;
  /** With the reason. */
  readonly sluice: string;
  /** What sluice says where CoreDNS says this; the same where it is no matter of this difference. */
  readonly apply: (reply: DnsReply, about: Circumstances) => DnsReply;
}

/** `@ 8482 HINFO "RFC8482" ""` */
const SHORTEST_ANSWER = `${ASKED} 8482 hinfo ${Buffer.from('\x07RFC8482\0').toString('hex')}`;

/**
 * The table of the README, section "Beside CoreDNS and NodeLocal DNSCache": what is not in it is the same, record by record.
 * Each difference is applied to what those before it made of the reply.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    what: '`SOA` of a name that does not exist',
    coredns: 'NODATA',
    sluice: 'NXDOMAIN, as for all other types',
    apply: (reply, { type, name, labels, coredns }) =>
      type === 'SOA' && labels.length > 0 ? rules.withSections(reply, coredns(name, 'MX')) : reply,
  },
  {
    what: 'an endpoint whose slice does not spell its IPv6 address canonically',
    coredns: 'has a name of that spelling, and no reverse name',
    sluice: 'has the names of the address, however it was written',
    apply: rules.canonically,
  },
  {
    what: '`pods verified`: the second address of a pod',
    coredns: 'has no name',
    sluice: 'has one, as each of `podIPs`',
    apply: rules.withOtherAddress,
  },
  {
    what: 'endpoints in slices of host names (`addressType: FQDN`)',
    coredns: 'are aliases of these names',
    sluice: 'do not exist, as for all proxies: the type is deprecated',
    apply: (reply, about) =>
      about.peculiar.hostNames.has(about.name) ? rules.denied(reply, 'NXDOMAIN', about) : reply,
  },
  {
    what: 'names of ports without underscores, `http.tcp.web.default.svc`',
    coredns: 'are answered',
    sluice: 'NXDOMAIN: the specification has no such names',
    apply: (reply, about) =>
      rules.isPortName(about) && !about.labels.slice(0, 2).every((label) => label.startsWith('_'))
        ? rules.denied(reply, 'NXDOMAIN', about)
        : reply,
  },
  {
    what: '`A` and `AAAA` of `_http._tcp.web.default.svc`',
    coredns: 'the addresses of the Service',
    sluice: 'NODATA: such names have `SRV` records only',
    apply: (reply, about) =>
      rules.isPortName(about) && about.type.startsWith('A') && reply.answer.length > 0
        ? rules.denied(reply, 'NOERROR', about)
        : reply,
  },
  {
    what: 'labels in front of the name of a pod',
    coredns: 'are ignored',
    sluice: 'NXDOMAIN: there is nothing below a pod',
    apply: (reply, about) =>
      rules.isPodName(about, (labels) => labels > 3) ? rules.denied(reply, 'NXDOMAIN', about) : reply,
  },
  {
    what: '`SRV` of the name of a pod',
    coredns: 'a record with port 0',
    sluice: 'NODATA: a pod has no port',
    apply: (reply, about) =>
      about.type === 'SRV' && rules.isPodName(about, (labels) => labels === 3) && reply.answer.length > 0
        ? rules.denied(reply, 'NOERROR', about)
        : reply,
  },
  {
    what: '`NS` of the zone, when the server listens on loopback only',
    coredns: 'NODATA',
    sluice: 'the Service `kube-system/kube-dns`, if there is one',
    apply: (reply, about) => (about.name === ZONE && about.type === 'NS' ? rules.withServers(reply, about) : reply),
  },
  {
    what: 'names that have others below them (`dns`, `_tcp.web.default.svc`), and `TXT` of all names that are no Service’s',
    coredns: 'NXDOMAIN, which denies all that is below (RFC 8020)',
    sluice: 'NODATA',
    apply: (reply, about) =>
      reply.rcode === 'NXDOMAIN' && isInZone(about.name) && about.exists(about.name)
        ? rules.denied(reply, 'NOERROR', about)
        : reply,
  },
  {
    what: 'weights of `SRV` records',
    coredns: 'an address and port that two slices have counts twice',
    sluice: 'it counts once, as it is answered once',
    apply: (reply, { type }) => (type === 'SRV' ? rules.weighted(reply) : reply),
  },
  {
    what: 'labels in front of the reverse name of an IPv6 address',
    coredns: 'are ignored',
    sluice: 'are looked up like any other name',
    apply: (reply, about) => (rules.isTooLong(about) ? rules.forwarded(reply, about) : reply),
  },
  {
    what: '`PTR` of an endpoint whose Service is gone',
    coredns: 'leads to a name that does not exist',
    sluice: 'is looked up like that of any other address',
    apply: (reply, about) => (about.type === 'PTR' ? rules.withoutDeadEnds(reply, about) : reply),
  },
  {
    what: 'other types of the reverse names of the cluster',
    coredns: 'are looked up elsewhere',
    sluice: 'NODATA: the name exists',
    apply: (reply, about) =>
      about.type !== 'PTR' && rules.isReverseOfCluster(about) ? rules.withoutSuchType(reply, about) : reply,
  },
  {
    what: '`in-addr.arpa` and `ip6.arpa`, and `SOA` of every reverse name',
    coredns: 'are answered as if the cluster had all addresses',
    sluice: 'are looked up, but for those of the cluster and of `--dns-local-networks`',
    apply: (reply, about) => (rules.isOfReverseZone(reply) ? rules.forwarded(reply, about) : reply),
  },
  {
    what: '`ANY`',
    coredns: 'NODATA',
    sluice: 'a `HINFO` record, or the `CNAME` of an ExternalName Service (RFC 8482)',
    apply: (reply, about) =>
      about.type === 'ANY' && reply.rcode === 'NOERROR' && hasFlag(reply, 'aa')
        ? { ...reply, authority: [], answer: [rules.aliasOf(about.name, about) ?? SHORTEST_ANSWER] }
        : reply,
  },
  {
    what: 'the RA flag of names of the cluster',
    coredns: 'is never set, so some resolvers ask the next server',
    sluice: 'is set where other names are looked up',
    apply: (reply) => ({ ...reply, flags: withFlag(reply.flags, 'ra') }),
  },
  {
    what: '`OPT` records',
    coredns: 'repeat the client’s size, and its cookie without one of the server',
    sluice: 'have our size and no cookie (RFC 6891, RFC 7873)',
    apply: (reply) => ({ ...reply, opt: reply.opt === '' ? '' : /\bdo\b/.test(reply.opt) ? '1232 do' : '1232' }),
  },
  {
    what: 'ExternalName Services, if the target does not exist, has no record of the type, or fails; types other than `A` and `AAAA`',
    coredns: 'NOERROR, without the SOA of the target, partly without the `CNAME`',
    sluice:
      'the `CNAME`, then all that the target has, and its response code (RFC 6604); SERVFAIL if it fails or leads in a circle',
    apply: followed,
  },
];

/** No reply where there should be one. */
export const SILENCE = {
  what: '`PTR` of an address in a slice that belongs to no Service',
  coredns: 'no reply at all',
  sluice: 'the name that the address has otherwise, or what other servers say',
} as const;

/** Objects older than the API server's checks; the one difference that is not looked at. */
const LEADING_ZEROS = {
  what: 'addresses with leading zeros, `010.096.000.010`',
  coredns: 'are taken for host names: a `CNAME`',
  sluice: 'are addresses, as for all proxies',
} as const;

/** Replies over UDP for which there is no room. */
export const WITHOUT_ROOM = {
  glue: {
    what: 'addresses of `SRV` targets for which there is no room',
    coredns: 'the reply is truncated, although the answer is complete',
    sluice: 'they are left out without a word (RFC 2181, section 9)',
  },
  others: {
    what: 'names of others whose answer does not fit into the client’s packet',
    coredns: 'an empty truncated reply',
    sluice: 'as much as there is room for, truncated',
  },
} as const;

/** Rows of the README's table. */
export function differenceRows(): readonly (readonly string[])[] {
  const all = [...DIFFERENCES, SILENCE, LEADING_ZEROS, ...Object.values(WITHOUT_ROOM)];
  const odd = ODD_PACKETS.filter(({ coredns, sluice }) => coredns !== sluice);
  return [...all, ...odd].map(({ what, coredns, sluice }) => [what, fateText(coredns), fateText(sluice)]);
}

function fateText(text: string): string {
  return text === 'NOERROR' ? 'is answered' : text;
}
