import { choice, DURATION, integer, POSITIVE_DURATION, STUB_DOMAINS, SWITCH } from './schema.ts';

const FORWARDING = ['run', 'dns'] as const;

/** Options of names that others answer for: the forward and cache plugins of CoreDNS. */
export const DNS_FORWARD_OPTIONS = {
  dnsStubDomains: {
    flag: 'dns-stub-domain',
    ...STUB_DOMAINS,
    description: 'other servers for the names of a zone: corp.example=10.0.0.53,10.0.0.54; may be repeated',
    commands: FORWARDING,
  },
  dnsPolicy: {
    flag: 'dns-policy',
    ...choice('policy', ['random', 'round_robin', 'sequential']),
    default: 'random',
    description: 'which server is asked first: any, each in turn, or the first that works',
    commands: FORWARDING,
  },
  dnsUpstreamTransport: {
    flag: 'dns-upstream-transport',
    ...choice('transport', ['as-client', 'udp', 'tcp']),
    default: 'as-client',
    description: 'how servers are asked: as the client asked, over UDP first, or over TCP only',
    commands: FORWARDING,
  },
  dnsMixCase: {
    flag: 'dns-mix-case',
    ...SWITCH,
    description: 'ask in random upper and lower case, which forgers cannot repeat; not all servers can either',
    commands: FORWARDING,
  },
  dnsMaxFails: {
    flag: 'dns-max-fails',
    ...integer(0, 1000),
    default: '2',
    description: 'a server is down after more failed probes than this; 0: never',
    commands: FORWARDING,
  },
  dnsMaxConcurrent: {
    flag: 'dns-max-concurrent',
    ...integer(1, 1_000_000),
    default: '1000',
    description: 'questions that wait for servers at a time; more get SERVFAIL',
    commands: FORWARDING,
  },
  dnsAttemptTimeoutMs: {
    flag: 'dns-attempt-timeout',
    ...POSITIVE_DURATION,
    default: '2s',
    description: 'how long one server may take',
    commands: FORWARDING,
  },
  dnsTimeoutMs: {
    flag: 'dns-timeout',
    ...POSITIVE_DURATION,
    default: '5s',
    description: 'how long all servers together may take',
    commands: FORWARDING,
  },
  dnsCacheMib: {
    flag: 'dns-cache-mib',
    ...integer(0, 65_536),
    default: '12',
    description: 'memory for answers of servers per thread, in MiB; a third of it is for denials',
    commands: FORWARDING,
  },
  dnsCacheTtlS: {
    flag: 'dns-cache-ttl',
    ...integer(0, 604_800),
    default: '30',
    description: 'how many seconds an answer is kept at most, here and by clients; 0: it is not kept',
    commands: FORWARDING,
  },
  dnsCacheDenialTtlS: {
    flag: 'dns-cache-denial-ttl',
    ...integer(0, 10_800),
    default: '30',
    description: 'the same for names and records that do not exist',
    commands: FORWARDING,
  },
  dnsCacheMinTtlS: {
    flag: 'dns-cache-min-ttl',
    ...integer(0, 3600),
    default: '0',
    description: 'how many seconds an answer is kept at least, whatever its TTL; CoreDNS has 5',
    commands: FORWARDING,
  },
  dnsCacheFailureTtlS: {
    flag: 'dns-cache-failure-ttl',
    ...integer(1, 300),
    default: '5',
    description:
      'how many seconds it is kept that servers answered SERVFAIL or REFUSED; that none answered, at most one',
    commands: FORWARDING,
  },
  dnsPrefetchHits: {
    flag: 'dns-prefetch',
    ...integer(0, 1_000_000),
    default: '0',
    description: 'an answer with so many hits is fetched anew before it expires; 0: never',
    commands: FORWARDING,
  },
  dnsServeStaleMs: {
    flag: 'dns-serve-stale',
    ...DURATION,
    default: '0',
    description: 'how long after its end an answer is still given while no server has a newer one (RFC 8767)',
    commands: FORWARDING,
  },
} as const;
