import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { IpAddress } from '../../../src/model/address.ts';
import { healthPages } from '../../../src/observe/health-server.ts';
import { HttpServer } from '../../../src/observe/http-server.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { ProxyHealth } from '../../../src/observe/proxy-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ask } from '../../support/http.ts';
import { page } from '../../support/pages.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

function setUp() {
  const clock = new FakeClock();
  const metrics = new Metrics({ mode: 'nftables' });
  const health = new ProxyHealth({ clock, families: ['IPv4'], healthTimeoutMs: 60_000, freshnessLimitMs: 300_000 });
  return { clock, metrics, health, pages: healthPages(health, metrics) };
}

test('from start to late to written again', async () => {
  const { clock, health, pages } = setUp();
  const statuses = async () => {
    const replies = await Promise.all(['/healthz', '/livez', '/readyz'].map((path) => page(pages, path)));
    return replies.map(({ status }) => status);
  };
  expect(await statuses()).toEqual([503, 200, 503]);
  health.nodeChanged({ exists: true, deleting: false, taints: [] });
  health.succeeded('IPv4');
  expect(await statuses()).toEqual([200, 200, 200]);
  health.queued('IPv4');
  await clock.advance(60_000);
  expect(await statuses()).toEqual([503, 503, 200]);
  health.succeeded('IPv4');
  health.nodeChanged({ exists: false, deleting: false, taints: [] });
  expect(await statuses()).toEqual([503, 200, 200]);
});

test('over the wire: headers, body and what is wrong', async () => {
  const { health, clock, pages } = setUp();
  const server = new HttpServer({
    name: 'health',
    address: { host: '127.0.0.1' as IpAddress, port: 0 },
    handler: pages,
    clock,
    log: silentLog,
    whenUnavailable: 'fail',
  });
  await server.start();
  health.freshness(2500);
  const port = server.address?.port ?? 0;
  const { status, headers, body } = await ask({ port, path: '/healthz', method: 'POST' });
  expect(status).toBe(503);
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-sluice-ailments': 'not-synced, node-unknown',
    'x-sluice-freshness-age': '2.5',
  });
  expect(JSON.parse(body)).toEqual(health.healthz().body);
  expect((await ask({ port, path: '/metrics' })).status).toBe(404);
  await server.close();
});

test('answers are counted by code, and as health checks for /metrics/slis', async () => {
  const { health, metrics, pages } = setUp();
  await page(pages, '/healthz');
  await page(pages, '/livez');
  health.succeeded('IPv4');
  health.nodeChanged({ exists: true, deleting: false, taints: [] });
  await page(pages, '/healthz');
  await page(pages, '/healthz');
  const scrape = parseScrape(await metrics.text());
  expect(sampleOf(scrape, 'kubeproxy_proxy_healthz_total{code="503"}')).toBe(1);
  expect(sampleOf(scrape, 'kubeproxy_proxy_healthz_total{code="200"}')).toBe(2);
  expect(sampleOf(scrape, 'kubeproxy_proxy_livez_total{code="200"}')).toBe(1);
  const slis = parseScrape(await metrics.slisText());
  expect(sampleOf(slis, 'kubernetes_healthcheck{name="proxy",type="healthz"}')).toBe(1);
  expect(sampleOf(slis, 'kubernetes_healthchecks_total{name="proxy",status="error",type="healthz"}')).toBe(1);
  expect(sampleOf(slis, 'kubernetes_healthchecks_total{name="proxy",status="success",type="healthz"}')).toBe(2);
});
