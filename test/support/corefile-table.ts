import type { Option, OptionKey } from '../../src/config/options.ts';
import { OPTIONS } from '../../src/config/options.ts';

const NOT_THERE = 'not there';

/** What a Corefile says, and which options say it here; text where there is no option for it. */
const COREFILE: readonly (readonly [corefile: string, here: readonly OptionKey[] | string])[] = [
  ['NodeLocal DNSCache: -localip, -upstreamsvc', ['dns', 'dnsAddresses', 'dnsService']],
  ['.:53, bind', ['dnsListen']],
  ['kubernetes cluster.local in-addr.arpa ip6.arpa', ['dnsZones']],
  ['kubernetes: endpoint, tls, kubeconfig', ['kubeconfig', 'master']],
  ['kubernetes: pods insecure, verified, disabled', ['dnsPods']],
  ['kubernetes: ttl 30', ['dnsTtlS', 'dnsHeadlessTtlS']],
  ['kubernetes: endpoint_pod_names', ['dnsPodNames']],
  ['kubernetes: zonal', ['dnsZonalNames']],
  ['kubernetes: fallthrough in-addr.arpa ip6.arpa', ['dnsLocalNetworks']],
  ['bufsize 1232', ['dnsUdpBytes']],
  ['forward . ADDR', ['dnsUpstreams']],
  ['forward . /etc/resolv.conf', ['dnsResolvConf']],
  ['corp.example { forward . ADDR ADDR }', ['dnsStubDomains']],
  ['forward: policy random, round_robin, sequential', ['dnsPolicy']],
  ['forward: force_tcp, prefer_udp', ['dnsUpstreamTransport']],
  ['forward: max_fails 2', ['dnsMaxFails']],
  ['forward: max_concurrent 1000', ['dnsMaxConcurrent']],
  ['(fixed in forward: 2 s per attempt, 5 s in all)', ['dnsAttemptTimeoutMs', 'dnsTimeoutMs']],
  ['(forward has none: 0x20)', ['dnsMixCase']],
  ['cache 30', ['dnsCacheTtlS', 'dnsCacheDenialTtlS']],
  ['cache: success CAPACITY TTL MINTTL, denial CAPACITY TTL MINTTL', ['dnsCacheMib', 'dnsCacheMinTtlS']],
  ['cache: servfail DURATION', ['dnsCacheFailureTtlS']],
  ['cache: prefetch AMOUNT', ['dnsPrefetchHits']],
  ['cache: serve_stale DURATION verify', ['dnsServeStaleMs']],
  ['multisocket N', ['dnsThreads']],
  ['transfer { to ADDR }', ['dnsTransferTo']],
  ['nsid TEXT', ['dnsNsid']],
  ['log', ['dnsLogQueries']],
  ['health, ready, prometheus', ['dnsStatusAddress']],
  ['health: lameduck 5s', ['dnsLameDuckMs']],
  [
    'any, loadbalance, loop',
    'always: the shortest answer (RFC 8482), another first record in each answer, never a question to itself',
  ],
  ['forward: failover SERVFAIL REFUSED', 'always: such an answer counts only when no other server has a better one'],
  [
    'errors',
    'servers that do not answer and are back are logged, what failed is in the query log, and clients with EDNS are told why (RFC 8914)',
  ],
  [
    'reload',
    'name servers of a resolv.conf are followed; `sluice run` ends when its configuration file changes, to be started with the new one; `sluice dns` has to be restarted',
  ],
  [
    'acl, chaos, timeouts',
    'fixed: everybody is answered who can reach it, classes but IN are refused, TCP ends after 10 s of silence',
  ],
  [
    'kubernetes: startup_timeout',
    'none: until everything is known, what is not known is SERVFAIL, which nobody remembers for long',
  ],
  ['kubernetes: ignore empty_service, noendpoints, namespaces, labels, namespace_labels, multicluster', NOT_THERE],
  [
    'hosts, rewrite, template, autopath, dns64, file, k8s_external',
    'not there; a server that has them can be asked with `--upstream` or `--dns-stub-domain`',
  ],
  ['forward: tls://, https://, except, next, source_address', NOT_THERE],
  ['dnstap, trace, dnssec, sign, geoip, view', NOT_THERE],
  [
    'NodeLocal DNSCache: -setupiptables, -interfacename, -skipteardown, -syncinterval',
    'nothing to set: addresses are on `lo`, rules of nftables lapse by themselves 1.5 s after the last good answer',
  ],
];

/** Rows of the README's table of what CoreDNS calls the options. */
export function corefileRows(): readonly (readonly string[])[] {
  return COREFILE.map(([corefile, here]) => [
    `\`${corefile}\``,
    typeof here === 'string' ? here : here.map((key) => spelled(OPTIONS[key])).join('<br>'),
  ]);
}

function spelled({ flag, default: value, defaultText, description }: Option): string {
  const given = typeof value === 'string' ? ` ${value}` : '';
  const usual = value === undefined && defaultText !== undefined ? ` (default: ${defaultText})` : '';
  return `\`--${flag}${given}\`${usual}: ${description}`;
}
