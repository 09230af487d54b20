import type { AnswerCache, Pool } from './cache.ts';
import type { UpstreamCounters } from './upstream.ts';

/** What the forwarder did since the start, as plain data for another thread; the names are CoreDNS's metrics. */
export interface ForwardCounters {
  readonly cache: CacheCounters;
  /** coredns_cache_drops_total: messages of upstreams that were not believed. */
  readonly drops: number;
  /** coredns_forward_max_concurrent_rejects_total, clients with too many of their own included. */
  readonly rejects: number;
  /** coredns_forward_healthcheck_broken_total */
  readonly allDown: number;
  /** coredns_proxy_* */
  readonly upstreams: readonly UpstreamCounters[];
}

/** coredns_cache_*; bytes are our own. */
export interface CacheCounters {
  readonly requests: number;
  readonly misses: number;
  readonly prefetches: number;
  readonly servedStale: number;
  readonly hits: Readonly<Record<Pool, number>>;
  readonly entries: Readonly<Record<Pool, number>>;
  readonly evictions: Readonly<Record<Pool, number>>;
  readonly bytes: Readonly<Record<Pool, number>>;
}

/** Counted by the forwarder itself; counting must not cost more than an addition. */
export class CacheCounts {
  requests = 0;
  misses = 0;
  prefetches = 0;
  servedStale = 0;
  readonly hits: Record<Pool, number> = { success: 0, denial: 0 };

  totals(cache: AnswerCache): CacheCounters {
    const { requests, misses, prefetches, servedStale } = this;
    const success = cache.usage('success');
    const denial = cache.usage('denial');
    return {
      requests,
      misses,
      prefetches,
      servedStale,
      hits: { ...this.hits },
      entries: { success: success.entries, denial: denial.entries },
      evictions: { success: success.evictions, denial: denial.evictions },
      bytes: { success: success.bytes, denial: denial.bytes },
    };
  }
}
