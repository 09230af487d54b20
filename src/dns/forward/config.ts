import type { Policy } from './upstream-group.ts';

/** Plain data, so that it can be sent to another thread. The defaults are those of CoreDNS as kubeadm configures it. */
export interface ForwardConfig {
  /** `ADDR` or `ADDR:PORT`; when there are none the name servers of {@link resolvConf} are taken. */
  readonly upstreams: readonly string[];
  /** Absent: names of no stub domain are refused where there are no {@link upstreams}. */
  readonly resolvConf: string | undefined;
  /** Zone → its name servers, for names that others know (`corp.example` → `10.0.0.53`). */
  readonly stubDomains: Readonly<Record<string, readonly string[]>>;
  readonly policy: Policy;
  /** `as-client`: TCP for clients that came over TCP; `udp`: UDP first for all; `tcp`: TCP for all. */
  readonly transport: 'as-client' | 'udp' | 'tcp';
  /** Random upper and lower case in questions, which answers have to repeat. */
  readonly mixCase: boolean;
  /** What we tell upstreams that we take over UDP. */
  readonly udpBytes: number;
  readonly attemptTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** An upstream is down after more failed probes in a row; 0: never. */
  readonly maxFails: number;
  readonly tcpIdleMs: number;
  /** So many datagrams that do not fit, and a question is asked over TCP. */
  readonly maxMismatches: number;
  /** Questions that wait for an upstream. */
  readonly maxConcurrent: number;
  readonly maxPerClient: number;
  /** Those of them that wait for the same answer. */
  readonly maxWaiters: number;
  readonly cache: CacheConfig;
}

export interface CacheConfig {
  readonly successBytes: number;
  readonly denialBytes: number;
  /** TTLs are cut to this, in answers too; 0: nothing is kept. */
  readonly maxTtlS: number;
  readonly maxDenialTtlS: number;
  /** Shorter TTLs are made this long, in answers too; 0 leaves them alone. */
  readonly minTtlS: number;
  /** Response codes of upstreams that say nothing of the name (RFC 2308, 7.1: at most 300; RFC 9520: at least 1). */
  readonly failureTtlS: number;
  /** That no upstream gave an answer of any use. Shorter, because that is often over when the client asks again. */
  readonly silenceTtlS: number;
  /** An answer with so many hits is fetched anew shortly before it expires; 0: never. */
  readonly prefetchHits: number;
  /** How long after its end an answer may still be given when no upstream has a newer one (RFC 8767); 0: never. */
  readonly staleS: number;
}

export const DEFAULT_FORWARD_CONFIG: ForwardConfig = {
  upstreams: [],
  resolvConf: '/etc/resolv.conf',
  stubDomains: {},
  policy: 'random',
  transport: 'as-client',
  mixCase: false,
  udpBytes: 1232,
  attemptTimeoutMs: 2000,
  totalTimeoutMs: 5000,
  maxFails: 2,
  tcpIdleMs: 10_000,
  maxMismatches: 3,
  maxConcurrent: 1000,
  maxPerClient: 300,
  maxWaiters: 200,
  cache: {
    successBytes: 8 * 1024 * 1024,
    denialBytes: 4 * 1024 * 1024,
    maxTtlS: 30,
    maxDenialTtlS: 30,
    minTtlS: 0,
    failureTtlS: 5,
    silenceTtlS: 1,
    prefetchHits: 0,
    staleS: 0,
  },
};
