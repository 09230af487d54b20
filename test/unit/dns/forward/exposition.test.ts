import { expect, test } from 'vitest';
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
