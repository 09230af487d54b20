import { describe, expect, test, vi } from 'vitest';
import { metricsPages } from '../../../src/observe/metrics-server.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { ProxyHealth } from '../../../src/observe/proxy-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { page } from '../../support/pages.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

const CONFIG = { kind: 'KubeProxyConfiguration', apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', mode: 'nftables' };

const JSON_TYPE = 'application/json;g=config.k8s.io;v=v1beta1';

function setUp({ profiling = false } = {}) {
  const clock = new FakeClock();
  const metrics = new Metrics({ mode: 'nftables' });
  const health = new ProxyHealth({ clock, families: ['IPv4'], healthTimeoutMs: 60_000 });
  const levels: string[] = [];
  const pages = metricsPages({
    metrics,
    health,
    clock,
    proxyMode: 'nftables',
    configz: () => CONFIG,
    flags: () => ({ 'proxy-mode': 'nftables', 'cluster-cidr': '10.0.0.0/8' }),
    version: '1.2.3',
    emulatedVersion: '1.36',
    startedDateMs: clock.dateMs() - 93_784_000,
    setLogLevel: (level) => level !== 'loud' && levels.push(level) > 0,
    profiling,
  });
  return { clock, metrics, health, pages, levels };
}

describe('the metrics server', () => {
  test.each([
    ['/healthz', 'text/plain; charset=utf-8', 'ok'],
    ['/proxyMode', 'text/plain; charset=utf-8', 'nftables'],
    ['/configz', 'application/json', `{"kubeproxy.config.k8s.io":${JSON.stringify(CONFIG)}}`],
  ])('%s', async (path, contentType, body) => {
    const { pages } = setUp();
    const headers = { 'X-Content-Type-Options': 'nosniff' };
    expect(await page(pages, path)).toEqual({ status: 200, contentType, body, headers });
  });

  test('/metrics is Prometheus text, for any method', async () => {
    const { pages, metrics } = setUp();
    metrics.set('sluice_skipped_objects', { kind: 'Service' }, 4);
    const { status, contentType, body } = await page(pages, '/metrics', { method: 'POST' });
    expect([status, contentType]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(sampleOf(parseScrape(body), 'sluice_skipped_objects{kind="Service"}')).toBe(4);
  });

  test('/readyz fails until the first success, and counts for /metrics/slis, which DELETE resets', async () => {
    const { pages, health } = setUp();
    expect((await page(pages, '/readyz')).status).toBe(503);
    health.succeeded('IPv4');
    expect(await page(pages, '/readyz')).toMatchObject({ status: 200, body: 'ok' });
    const slis = async () =>
      parseScrape((await page(pages, '/metrics/slis')).body).get('kubernetes_healthchecks_total')?.samples.size;
    expect(await slis()).toBe(2);
    expect((await page(pages, '/metrics/slis', { method: 'DELETE' })).status).toBe(200);
    expect(await slis()).toBe(0);
  });

  test.each(['/', '/healthz/', '/livez', '/debug/pprof/', '/debug/pprof/profile'])('%s is not there', async (path) => {
    expect((await page(setUp().pages, path)).status).toBe(404);
  });
});

describe('/statusz and /flagz', () => {
  test('as text', async () => {
    const { pages } = setUp();
    expect((await page(pages, '/statusz')).body).toBe(
      '\nsluice statusz\nFor people: this text may change at any time.\n\nStarted: Tue, 30 Dec 2025 21:56:57 GMT\nUp: 26 hr 03 min 04 sec\n' +
        `Node.js version: ${process.version}\nBinary version: 1.2.3\nEmulation version: 1.36\n` +
        'Paths: /configz /flagz /healthz /metrics /metrics/slis /proxyMode /readyz /statusz\n',
    );
    expect((await page(pages, '/flagz')).body).toMatch(
      /^\nsluice flagz\n.*\n\ncluster-cidr=10\.0\.0\.0\/8\nproxy-mode=nftables\n$/,
    );
  });

  test('as objects', async () => {
    const { pages } = setUp();
    const statusz = await page(pages, '/statusz', { accept: `${JSON_TYPE};as=Statusz` });
    expect(statusz.contentType).toBe('application/json');
    expect(statusz.headers?.['Warning']).toBeUndefined();
    expect(JSON.parse(statusz.body)).toEqual({
      kind: 'Statusz',
      apiVersion: 'config.k8s.io/v1beta1',
      metadata: { name: 'sluice' },
      startTime: '2025-12-30T21:56:57Z',
      uptimeSeconds: 93_784,
      binaryVersion: '1.2.3',
      emulationVersion: '1.36',
      paths: ['/configz', '/flagz', '/healthz', '/metrics', '/metrics/slis', '/proxyMode', '/readyz', '/statusz'],
    });
    const flagz = await page(pages, '/flagz', { accept: 'application/json;as=Flagz;v=v1alpha1;g=config.k8s.io' });
    expect(flagz.headers?.['Warning']).toMatch(/^299 - ".*deprecated.*"$/);
    expect(JSON.parse(flagz.body)).toEqual({
      kind: 'Flagz',
      apiVersion: 'config.k8s.io/v1alpha1',
      metadata: { name: 'sluice' },
      flags: { 'cluster-cidr': '10.0.0.0/8', 'proxy-mode': 'nftables' },
    });
  });

  test.each([
    ['', 'text/plain; charset=utf-8'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['text/*', 'text/plain; charset=utf-8'],
    ['text/plain;charset=UTF-8', 'text/plain; charset=utf-8'],
    ['application/yaml, text/plain', 'text/plain; charset=utf-8'],
    [`${JSON_TYPE};as=Flagz`, 'application/json'],
    [`text/plain;q=0.5, ${JSON_TYPE};as=Flagz`, 'application/json'],
    [`${JSON_TYPE};as=Flagz;q=0.1, text/plain;q=0.5`, 'text/plain; charset=utf-8'],
    ['application/json;g=config.k8s.io;v="v1beta1";as=Flagz', 'application/json'],
    [`application/json;v=v7;g=config.k8s.io;as=Flagz, */*`, 'text/plain; charset=utf-8'],
    ['application/json', undefined],
    [`${JSON_TYPE};as=Statusz`, undefined],
    ['application/json;v=v1beta1;as=Flagz', undefined],
    ['application/json;g=config.k8s.io;v=v1;as=Flagz', undefined],
    ['text/html', undefined],
    ['text/plain;q=0', undefined],
  ])('Accept "%s" gives %s', async (accept, contentType) => {
    const reply = await page(setUp().pages, '/flagz', { accept });
    expect(reply.status).toBe(contentType === undefined ? 406 : 200);
    if (contentType !== undefined) expect(reply.contentType).toBe(contentType);
  });
});

describe('/debug/flags/v', () => {
  test('changes the level of the log', async () => {
    const { pages, levels } = setUp({ profiling: true });
    expect((await page(pages, '/debug/flags/v', { method: 'PUT', body: '4\n' })).status).toBe(200);
    expect(levels).toEqual(['4']);
    expect((await page(pages, '/debug/flags')).body).toContain('/debug/flags/v');
  });

  test.each([
    ['GET', '4', 406],
    ['PUT', 'loud', 400],
  ])('%s of "%s" is refused', async (method, body, status) => {
    const { pages, levels } = setUp({ profiling: true });
    expect((await page(pages, '/debug/flags/v', { method, body })).status).toBe(status);
    expect(levels).toEqual([]);
  });

  test('is there with profiling only', async () => {
    expect((await page(setUp().pages, '/debug/flags/v', { method: 'PUT', body: '4' })).status).toBe(404);
  });
});

describe('/debug/pprof/profile', () => {
  test('takes a CPU profile for as long as asked, one at a time', async () => {
    const { pages, clock } = setUp({ profiling: true });
    const profile = page(pages, '/debug/pprof/profile?seconds=7');
    await vi.waitFor(() => expect(clock.pendingMs).toEqual([7000]));
    expect((await page(pages, '/debug/pprof/profile?seconds=1')).status).toBe(409);
    await clock.advance(7000);
    const { status, body, headers } = await profile;
    expect(status).toBe(200);
    expect(headers).toEqual({ 'Content-Disposition': 'attachment; filename="sluice.cpuprofile"' });
    expect(JSON.parse(body).nodes[0].callFrame.functionName).toBe('(root)');
    const next = page(pages, '/debug/pprof/profile?seconds=1');
    await vi.waitFor(() => expect(clock.pendingMs).toEqual([1000]));
    await clock.advance(1000);
    expect((await next).status).toBe(200);
  });

  test('ends when the client goes', async () => {
    const { pages, clock } = setUp({ profiling: true });
    const client = new AbortController();
    const profile = page(pages, '/debug/pprof/profile', { signal: client.signal });
    await vi.waitFor(() => expect(clock.pendingMs).toEqual([30_000]));
    client.abort();
    await profile;
    expect(clock.pendingMs).toEqual([]);
  });

  test.each(['0', '-1', '301', 'x', ''])('seconds=%s is refused', async (seconds) => {
    const { pages } = setUp({ profiling: true });
    expect((await page(pages, `/debug/pprof/profile?seconds=${seconds}`)).status).toBe(400);
  });

  test('the paths are listed', async () => {
    const { pages } = setUp({ profiling: true });
    expect((await page(pages, '/debug/pprof/')).body).toContain('/debug/pprof/profile');
    expect((await page(pages, '/statusz')).body).toContain('/debug/pprof/profile');
  });
});
