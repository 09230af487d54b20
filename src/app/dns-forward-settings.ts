import type { Config } from '../config/resolve.ts';
import type { CacheConfig, ForwardConfig } from '../dns/forward/config.ts';
import { DEFAULT_FORWARD_CONFIG } from '../dns/forward/config.ts';

const BYTES_PER_MIB = 1024 * 1024;

/** Of the memory for answers: denials are small, and random names make many of them. */
const DENIAL_SHARE = 1 / 3;

/** How other names are looked up, apart from by whom all of them are known. */
export function forwardTuningFrom(config: Config): ForwardConfig {
  return {
    ...DEFAULT_FORWARD_CONFIG,
    stubDomains: stubDomainsFrom(config),
    policy: config.dnsPolicy,
    transport: config.dnsUpstreamTransport,
    mixCase: config.dnsMixCase,
    maxFails: config.dnsMaxFails,
    maxConcurrent: config.dnsMaxConcurrent,
    attemptTimeoutMs: config.dnsAttemptTimeoutMs,
    totalTimeoutMs: config.dnsTimeoutMs,
    cache: cacheConfigFrom(config),
  };
}

function cacheConfigFrom(config: Config): CacheConfig {
  const bytes = config.dnsCacheMib * BYTES_PER_MIB;
  return {
    ...DEFAULT_FORWARD_CONFIG.cache,
    successBytes: bytes * (1 - DENIAL_SHARE),
    denialBytes: bytes * DENIAL_SHARE,
    maxTtlS: config.dnsCacheTtlS,
    maxDenialTtlS: config.dnsCacheDenialTtlS,
    minTtlS: config.dnsCacheMinTtlS,
    failureTtlS: config.dnsCacheFailureTtlS,
    prefetchHits: config.dnsPrefetchHits,
    staleS: config.dnsServeStaleMs / 1000,
  };
}

/** The servers of a zone may have been named together or one by one. */
function stubDomainsFrom({ dnsStubDomains }: Config): ForwardConfig['stubDomains'] {
  const pairs = dnsStubDomains.map((text) => {
    const [zone = '', server = ''] = text.split('=');
    return { zone, server };
  });
  const zones = [...Map.groupBy(pairs, ({ zone }) => zone)];
  return Object.fromEntries(zones.map(([zone, servers]) => [zone, servers.map(({ server }) => server)]));
}
