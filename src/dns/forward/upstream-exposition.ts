import type { CountedHistogram } from '../counters.ts';
import { DURATION_BUCKETS } from '../counters.ts';
import type { Labels, Page } from '../page.ts';
import { joinHistograms, RCODE_NAMES } from '../page.ts';
import type { UpstreamCounters } from './upstream.ts';

/** The counters of one server, a part for each thread. */
type Parts = readonly UpstreamCounters[];

/**
 * What is counted of each upstream: as CoreDNS calls it since 1.11, and as it did before, because its dashboards and alerts
 * know the older names only.
 */
export function exposeUpstreams(page: Page, counted: Parts): void {
  const servers = new Servers(page, counted);
  servers.durations('coredns_proxy_request_duration_seconds', (to) => ({ proxy_name: 'forward', to }));
  servers.count(
    'coredns_proxy_healthcheck_failures_total',
    'Counter of the number of failed healthchecks.',
    (to, one) => [[{ proxy_name: 'forward', to }, one.healthcheckFailures]],
  );
  for (const [what, field] of [
    ['hits', 'reused'],
    ['misses', 'opened'],
  ] as const) {
    const help = `Counter of connection cache ${what} per upstream and protocol.`;
    servers.count(`coredns_proxy_conn_cache_${what}_total`, help, (to, one) => [
      [{ proxy_name: 'forward', to, proto: 'udp' }, one[field].udp],
      [{ proxy_name: 'forward', to, proto: 'tcp' }, one[field].tcp],
    ]);
  }
  servers.count(
    'coredns_forward_requests_total',
    'Counter of requests made per upstream.',
    (to, { opened, reused }) => [[{ to }, opened.udp + opened.tcp + reused.tcp]],
  );
  servers.count('coredns_forward_responses_total', 'Counter of responses received per upstream.', (to, { durations }) =>
    durations.map(({ rcode, counts }) => [{ to, rcode: rcodeName(rcode) }, counts.reduce((all, n) => all + n, 0)]),
  );
  servers.durations('coredns_forward_request_duration_seconds', (to) => ({ to }));
  servers.count(
    'coredns_forward_healthcheck_failures_total',
    'Counter of the number of failed healthchecks.',
    (to, one) => [[{ to }, one.healthcheckFailures]],
  );
  const mismatches = 'Messages from an upstream that did not fit a query: late, broken or forged';
  servers.count('sluice_dns_upstream_mismatches_total', mismatches, (to, one) => [[{ to }, one.mismatches]]);
}

/** Writes what the threads counted of the same server as one. */
class Servers {
  readonly #page: Page;
  readonly #counted: Parts;

  constructor(page: Page, counted: Parts) {
    this.#page = page;
    this.#counted = counted;
  }

  /** @param read the samples that a part is counted in. */
  count(
    name: string,
    help: string,
    read: (to: string, one: UpstreamCounters) => readonly (readonly [Labels, number])[],
  ) {
    this.#page.head(name, 'counter', help);
    const samples = this.#counted.flatMap((one) => read(one.to, one));
    for (const parts of Map.groupBy(samples, ([labels]) => JSON.stringify(labels)).values()) {
      const [[labels] = [{}]] = parts;
      this.#page.counter(
        labels,
        parts.reduce((total, [, value]) => total + value, 0),
      );
    }
  }

  durations(name: string, labelsOf: (to: string) => Labels): void {
    this.#page.head(name, 'histogram', 'Histogram of the time each request took.');
    const all = this.#counted.flatMap(({ to, durations }) => durations.map((counted) => ({ to, counted })));
    for (const parts of Map.groupBy(all, ({ to, counted }) => `${to} ${counted.rcode}`).values()) {
      const [first] = parts;
      if (first === undefined) continue;
      const joined: CountedHistogram = joinHistograms(parts.map(({ counted }) => counted));
      this.#page.histogram({ ...labelsOf(first.to), rcode: rcodeName(first.counted.rcode) }, DURATION_BUCKETS, joined);
    }
  }
}

function rcodeName(rcode: number): string {
  return RCODE_NAMES[rcode] ?? String(rcode);
}
