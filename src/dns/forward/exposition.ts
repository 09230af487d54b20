import type { Page } from '../page.ts';
import type { Pool } from './cache.ts';
import type { CacheCounters, ForwardCounters } from './counters.ts';
import { exposeUpstreams } from './upstream-exposition.ts';

export interface ForwardExpositionOptions {
  /** Of all threads. */
  readonly counters: readonly ForwardCounters[];
  /** What CoreDNS calls a server: `dns://127.0.0.1:53`. */
  readonly server: string;
}

const POOLS: readonly Pool[] = ['success', 'denial'];

/** Counters of the cache that have a value for each pool. */
const PER_POOL = [
  ['coredns_cache_entries', 'gauge', 'The number of elements in the cache.', 'entries'],
  ['coredns_cache_hits_total', 'counter', 'The count of cache hits.', 'hits'],
  ['coredns_cache_evictions_total', 'counter', 'The count of cache evictions.', 'evictions'],
  ['sluice_dns_cache_bytes', 'gauge', 'Memory that the elements in the cache need, about', 'bytes'],
] as const satisfies readonly (readonly [string, string, string, keyof CacheCounters])[];

const PER_CACHE = [
  ['coredns_cache_requests_total', 'The count of cache requests.', 'requests'],
  [
    'coredns_cache_misses_total',
    'The count of cache misses. Deprecated, derive misses from cache hits/requests counters.',
    'misses',
  ],
  ['coredns_cache_prefetch_total', 'The number of times the cache has prefetched a cached item.', 'prefetches'],
  ['coredns_cache_served_stale_total', 'The number of requests served from stale cache entries.', 'servedStale'],
] as const satisfies readonly (readonly [string, string, keyof CacheCounters])[];

/** The counters of cache and forwarding in Prometheus' text format, names and labels as CoreDNS has them. */
export function exposeForwarders(page: Page, { counters, server }: ForwardExpositionOptions): void {
  const sum = (read: (counted: ForwardCounters) => number): number =>
    counters.reduce((total, counted) => total + read(counted), 0);
  const labels = { server, zones: '.', view: '' };
  for (const [name, type, help, field] of PER_POOL) {
    page.head(name, type, help);
    for (const pool of POOLS)
      page.counter(
        { ...labels, type: pool },
        sum(({ cache }) => cache[field][pool]),
      );
  }
  for (const [name, help, field] of PER_CACHE) {
    page.head(name, 'counter', help);
    page.counter(
      labels,
      sum(({ cache }) => cache[field]),
    );
  }
  page.head(
    'coredns_cache_drops_total',
    'counter',
    'The number of responses that were not cached, as they cannot be right.',
  );
  page.counter(
    labels,
    sum(({ drops }) => drops),
  );
  page.head(
    'coredns_forward_max_concurrent_rejects_total',
    'counter',
    'Counter of the number of queries rejected because the concurrent queries were at maximum.',
  );
  page.counter(
    {},
    sum(({ rejects }) => rejects),
  );
  page.head(
    'coredns_forward_healthcheck_broken_total',
    'counter',
    'Counter of the number of complete failures of the healthchecks.',
  );
  page.counter(
    {},
    sum(({ allDown }) => allDown),
  );
  exposeUpstreams(
    page,
    counters.flatMap(({ upstreams }) => upstreams),
  );
}
