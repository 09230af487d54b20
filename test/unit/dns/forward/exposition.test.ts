import { expect, test } from 'vitest';
import type { ForwardCounters } from '../../../../src/dns/forward/counters.ts';
import { exposeForwarders } from '../../../../src/dns/forward/exposition.ts';
import { Page } from '../../../../src/dns/page.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { ask, forwarder, good, upstream, WWW } from './fake-upstream.ts';

test('names and labels are those of CoreDNS, of all threads together', async () => {
  const fake = await upstream(good);
  const threads = [forwarder([fake], { clock: new FakeClock() }), forwarder([fake], { clock: new FakeClock() })];
  for (const thread of threads) for (let i = 0; i < 3; i++) await ask(thread, WWW);
  await ask(forwarder([fake], { transport: 'tcp' }), WWW);

  const page = new Page();
  exposeForwarders(page, { counters: threads.map((thread) => thread.counters()), server: 'dns://127.0.0.1:53' });
  const text = page.text();
  const cache = 'server="dns://127.0.0.1:53",zones=".",view=""';
  const to = `proxy_name="forward",to="${fake.address}"`;
  for (const line of [
    `coredns_cache_entries{${cache},type="success"} 2`,
    `coredns_cache_hits_total{${cache},type="success"} 4`,
    `coredns_cache_requests_total{${cache}} 6`,
    `coredns_cache_misses_total{${cache}} 2`,
    `coredns_proxy_request_duration_seconds_count{${to},rcode="NOERROR"} 2`,
    `coredns_proxy_request_duration_seconds_bucket{${to},rcode="NOERROR",le="+Inf"} 2`,
    `coredns_proxy_conn_cache_misses_total{${to},proto="udp"} 2`,
    '# TYPE coredns_forward_max_concurrent_rejects_total counter',
    '# TYPE coredns_forward_healthcheck_broken_total counter',
    '# TYPE coredns_proxy_healthcheck_failures_total counter',
    '# TYPE coredns_proxy_conn_cache_hits_total counter',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
});

const THREAD: ForwardCounters = {
  cache: {
    requests: 1,
    misses: 2,
    prefetches: 3,
    servedStale: 4,
    hits: { success: 5, denial: 6 },
    entries: { success: 7, denial: 8 },
    evictions: { success: 9, denial: 10 },
    bytes: { success: 11, denial: 12 },
  },
  drops: 13,
  rejects: 14,
  allDown: 15,
  upstreams: [
    {
      to: '192.0.2.53:53',
      healthcheckFailures: 16,
      mismatches: 17,
      reused: { tcp: 18, udp: 0 },
      opened: { tcp: 19, udp: 20 },
      durations: [
        { rcode: 0, counts: [...Array.from({ length: 15 }, () => 1), 0, 5], sum: 1.5 },
        { rcode: 2, counts: [2, ...Array.from({ length: 16 }, () => 0)], sum: 0.25 },
      ],
    },
  ],
};

test('a sample of every series, all threads together', () => {
  const page = new Page();
  exposeForwarders(page, { counters: [THREAD, THREAD], server: 'dns://:53' });
  const samples = page
    .text()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.includes('_bucket'));
  const cache = 'server="dns://:53",zones=".",view=""';
  const proxy = 'proxy_name="forward",to="192.0.2.53:53"';
  expect(samples).toEqual([
    `coredns_cache_entries{${cache},type="success"} 14`,
    `coredns_cache_entries{${cache},type="denial"} 16`,
    `coredns_cache_hits_total{${cache},type="success"} 10`,
    `coredns_cache_hits_total{${cache},type="denial"} 12`,
    `coredns_cache_evictions_total{${cache},type="success"} 18`,
    `coredns_cache_evictions_total{${cache},type="denial"} 20`,
    `sluice_dns_cache_bytes{${cache},type="success"} 22`,
    `sluice_dns_cache_bytes{${cache},type="denial"} 24`,
    `coredns_cache_requests_total{${cache}} 2`,
    `coredns_cache_misses_total{${cache}} 4`,
    `coredns_cache_prefetch_total{${cache}} 6`,
    `coredns_cache_served_stale_total{${cache}} 8`,
    `coredns_cache_drops_total{${cache}} 26`,
    'coredns_forward_max_concurrent_rejects_total 28',
    'coredns_forward_healthcheck_broken_total 30',
    `coredns_proxy_request_duration_seconds_sum{${proxy},rcode="NOERROR"} 3`,
    `coredns_proxy_request_duration_seconds_count{${proxy},rcode="NOERROR"} 40`,
    `coredns_proxy_request_duration_seconds_sum{${proxy},rcode="SERVFAIL"} 0.5`,
    `coredns_proxy_request_duration_seconds_count{${proxy},rcode="SERVFAIL"} 4`,
    `coredns_proxy_healthcheck_failures_total{${proxy}} 32`,
    `coredns_proxy_conn_cache_hits_total{${proxy},proto="tcp"} 36`,
    `coredns_proxy_conn_cache_misses_total{${proxy},proto="udp"} 40`,
    `coredns_proxy_conn_cache_misses_total{${proxy},proto="tcp"} 38`,
    // As they were called up to CoreDNS 1.10, which is what its mixin and most dashboards ask for.
    'coredns_forward_requests_total{to="192.0.2.53:53"} 114',
    'coredns_forward_responses_total{to="192.0.2.53:53",rcode="NOERROR"} 40',
    'coredns_forward_responses_total{to="192.0.2.53:53",rcode="SERVFAIL"} 4',
    'coredns_forward_request_duration_seconds_sum{to="192.0.2.53:53",rcode="NOERROR"} 3',
    'coredns_forward_request_duration_seconds_count{to="192.0.2.53:53",rcode="NOERROR"} 40',
    'coredns_forward_request_duration_seconds_sum{to="192.0.2.53:53",rcode="SERVFAIL"} 0.5',
    'coredns_forward_request_duration_seconds_count{to="192.0.2.53:53",rcode="SERVFAIL"} 4',
    'coredns_forward_healthcheck_failures_total{to="192.0.2.53:53"} 32',
    'sluice_dns_upstream_mismatches_total{to="192.0.2.53:53"} 34',
  ]);
});
