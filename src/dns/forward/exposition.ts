import type { CountedHistogram } from '../counters.ts';
import { DURATION_BUCKETS } from '../counters.ts';
import type { Labels, Page } from '../page.ts';
import { joinHistograms, RCODE_NAMES } from '../page.ts';
import type { Pool } from './cache.ts';
import type { CacheCounters, ForwardCounters } from './counters.ts';
import type { UpstreamCounters } from './upstream.ts';

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
  exposeUpstreams(page, byAddress(counters));
}

function exposeUpstreams(page: Page, upstreams: ReadonlyMap<string, readonly UpstreamCounters[]>): void {
  const perUpstream = (write: (labels: Labels, counted: readonly UpstreamCounters[]) => void): void => {
    for (const [to, counted] of upstreams) write({ proxy_name: 'forward', to }, counted);
  };
  page.head('coredns_proxy_request_duration_seconds', 'histogram', 'Histogram of the time each request took.');
  perUpstream((labels, counted) => {
    for (const [rcode, histogram] of byRcode(counted)) {
      page.histogram({ ...labels, rcode: RCODE_NAMES[rcode] ?? String(rcode) }, DURATION_BUCKETS, histogram);
    }
  });
  const total = (counted: readonly UpstreamCounters[], read: (one: UpstreamCounters) => number): number =>
    counted.reduce((all, one) => all + read(one), 0);
  page.head('coredns_proxy_healthcheck_failures_total', 'counter', 'Counter of the number of failed healthchecks.');
  perUpstream((labels, counted) =>
    page.counter(
      labels,
      total(counted, (one) => one.healthcheckFailures),
    ),
  );
  for (const [what, field] of [
    ['hits', 'reused'],
    ['misses', 'opened'],
  ] as const) {
    page.head(
      `coredns_proxy_conn_cache_${what}_total`,
      'counter',
      `Counter of connection cache ${what} per upstream and protocol.`,
    );
    for (const proto of ['udp', 'tcp'] as const) {
      perUpstream((labels, counted) =>
        page.counter(
          { ...labels, proto },
          total(counted, (one) => one[field][proto]),
        ),
      );
    }
  }
  page.head(
    'sluice_dns_upstream_mismatches_total',
    'counter',
    'Datagrams from an upstream that did not fit a query: late, broken or forged',
  );
  perUpstream(({ to = '' }, counted) =>
    page.counter(
      { to },
      total(counted, (one) => one.mismatches),
    ),
  );
}

function byAddress(counters: readonly ForwardCounters[]): ReadonlyMap<string, readonly UpstreamCounters[]> {
  return Map.groupBy(
    counters.flatMap(({ upstreams }) => upstreams),
    ({ to }) => to,
  );
}

function byRcode(counted: readonly UpstreamCounters[]): ReadonlyMap<number, CountedHistogram> {
  const grouped = Map.groupBy(
    counted.flatMap(({ durations }) => durations),
    ({ rcode }) => rcode,
  );
  return new Map([...grouped].map(([rcode, parts]) => [rcode, joinHistograms(parts)]));
}
