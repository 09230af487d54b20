import type { CountedHistogram, Counters } from './counters.ts';
import {
  COUNTED_RCODES,
  COUNTED_TYPES,
  DURATION_BUCKETS,
  PROGRAMMING_BUCKETS,
  SERVICE_KINDS,
  SIZE_BUCKETS,
  TRANSPORTS,
} from './counters.ts';
import type { ForwardCounters } from './forward/counters.ts';
import { exposeForwarders } from './forward/exposition.ts';
import type { Labels } from './page.ts';
import { joinHistograms, Page, RCODE_NAMES } from './page.ts';

export interface ExpositionOptions {
  /** Of all threads. */
  readonly counters: readonly Counters[];
  /** The zones in the order of the counters: `.`, `cluster.local.`, … */
  readonly zones: readonly string[];
  /** What CoreDNS calls a server: `dns://127.0.0.1:53`. */
  readonly server: string;
  /** Of the forwarders, where there are any. */
  readonly forward?: readonly ForwardCounters[];
}

/** CoreDNS's numbers for address families. */
const FAMILIES = ['1', '2'] as const;

/**
 * The counters in Prometheus' text format, with names and labels of CoreDNS, so that its dashboards and alerts work. Series
 * appear with their first event, as there.
 */
export function exposeCounters({ counters, zones, server, forward = [] }: ExpositionOptions): string {
  const sum = (read: (counted: Counters) => number): number =>
    counters.reduce((total, counted) => total + read(counted), 0);
  const join = (read: (counted: Counters) => CountedHistogram): CountedHistogram => joinHistograms(counters.map(read));
  const page = new Page();
  const perZone = zones.map((zone, place) => ({ place, labels: { server, zone, view: '' } }));

  addRequests(page, perZone, sum);
  page.head('coredns_dns_responses_total', 'counter', 'Counter of response status codes.');
  for (const { place, labels } of perZone) {
    const plugin = place === 0 ? 'forward' : 'kubernetes';
    for (let rcode = 0; rcode < COUNTED_RCODES; rcode++) {
      const name = RCODE_NAMES[rcode] ?? String(rcode);
      page.counter(
        { ...labels, rcode: name, plugin },
        sum((c) => c.responses(place, rcode)),
      );
    }
  }
  page.head('coredns_dns_do_requests_total', 'counter', 'Counter of DNS requests with DO bit set per zone.');
  for (const { place, labels } of perZone)
    page.counter(
      labels,
      sum((c) => c.dnssecRequests(place)),
    );
  for (const [what, name] of [
    ['query', 'request'],
    ['reply', 'response'],
  ] as const) {
    page.head(`coredns_dns_${name}_size_bytes`, 'histogram', `Size of the ${name} in bytes.`);
    for (const { place, labels } of perZone) {
      for (const [transport, proto] of TRANSPORTS.entries()) {
        page.histogram(
          { ...labels, proto },
          SIZE_BUCKETS,
          join((c) => c.sizes(what, place, transport)),
        );
      }
    }
  }
  page.head(
    'coredns_dns_request_duration_seconds',
    'histogram',
    'Histogram of the time (in seconds) each request took.',
  );
  for (const { place, labels } of perZone)
    page.histogram(
      labels,
      DURATION_BUCKETS,
      join((c) => c.durations(place)),
    );
  addUnzoned(page, counters);
  if (forward.length > 0) exposeForwarders(page, { counters: forward, server });
  return page.text();
}

type PerZone = readonly { readonly place: number; readonly labels: Labels }[];

function addRequests(page: Page, perZone: PerZone, sum: (read: (counted: Counters) => number) => number): void {
  page.head('coredns_dns_requests_total', 'counter', 'Counter of DNS requests made per zone, protocol and family.');
  for (const { place, labels } of perZone) {
    for (const [transport, proto] of TRANSPORTS.entries()) {
      for (const [family, number] of FAMILIES.entries()) {
        for (const [type, name] of COUNTED_TYPES.entries()) {
          const count = sum((counted) => counted.requests(place, { transport, family, type }));
          page.counter({ ...labels, proto, family: number, type: name }, count);
        }
      }
    }
  }
}

/** What has nothing to do with a zone. */
function addUnzoned(page: Page, counters: readonly Counters[]): void {
  page.head('coredns_panics_total', 'counter', 'Counter of queries that could not be answered because of a bug.');
  page.counter(
    {},
    counters.reduce((total, { panics }) => total + panics, 0),
  );
  page.head(
    'coredns_kubernetes_dns_programming_duration_seconds',
    'histogram',
    'Time from the cause of a change of endpoints until it is answered from.',
  );
  // Every thread is told of every change: one of them speaks for all.
  for (const kind of SERVICE_KINDS) {
    page.histogram(
      { service_kind: kind },
      PROGRAMMING_BUCKETS,
      joinHistograms(counters.slice(0, 1).map((c) => c.programming(kind))),
    );
  }
}
