import type { Option, OptionKey } from '../../src/config/options.ts';
import { OPTIONS } from '../../src/config/options.ts';

/** What a Corefile says, and which options say it here; text where there is no option for it. */
const COREFILE: readonly (readonly [corefile: string, here: readonly OptionKey[] | string])[] = [
  ['NodeLocal DNSCache: -localip, -upstreamsvc', ['dns', 'dnsAddresses', 'dnsService']],
  ['.:53, bind', ['dnsListen']],
  ['kubernetes cluster.local in-addr.arpa ip6.arpa', ['dnsZones']],
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
  [
    'any, loadbalance, loop',
    'always: the shortest answer (RFC 8482), another first record in each answer, never a question to itself',
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
