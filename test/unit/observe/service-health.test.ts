import { afterEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { IpAddress } from '../../../src/model/address.ts';
import { ServiceHealth } from '../../../src/observe/service-health.ts';
import type { ServiceHealthTarget } from '../../../src/observe/service-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { ask, freePort, occupyPort } from '../../support/http.ts';

const A = '127.0.0.1' as IpAddress;
const B = '127.0.0.2' as IpAddress;

const opened: ServiceHealth[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((health) => health.close()));
});

function create() {
  const state = { inStep: true };
  const failures: string[] = [];
  const health = new ServiceHealth({
    inStep: () => state.inStep,
    clock: new FakeClock(),
    log: silentLog,
    onListenFailure: (service, port, error) => void failures.push(`${service} ${port} ${error.code}`),
  });
  opened.push(health);
  return { health, state, failures };
}

const services = (entries: Readonly<Record<string, ServiceHealthTarget>>) => new Map(Object.entries(entries));

const one = (port: number, localEndpoints = 1) => services({ 'shop/web': { port, localEndpoints } });

async function answers(port: number, host: string = A): Promise<boolean> {
  try {
    await ask({ host, port });
    return true;
  } catch {
    return false;
  }
}

describe('the answer', () => {
  test.each([
    ['endpoints here', 2, true, 200],
    ['no endpoints here', 0, true, 503],
    ['endpoints here, but rules are late', 2, false, 503],
  ])('%s', async (_, localEndpoints, inStep, status) => {
    const { health, state } = create();
    const port = await freePort();
    state.inStep = inStep;
    await health.sync('IPv4', { addresses: [A], services: one(port, localEndpoints) });
    const answer = await ask({ port });
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    });
    expect(answer.body).toBe(
      `{\n\t"service": {\n\t\t"namespace": "shop",\n\t\t"name": "web"\n\t},\n\t"localEndpoints": ${localEndpoints},\n\t"serviceProxyHealthy": ${inStep}\n}`,
    );
  });

  test('is the same for any path and method, and follows the number of endpoints', async () => {
    const { health } = create();
    const port = await freePort();
    await health.sync('IPv4', { addresses: [A], services: one(port, 0) });
    await health.sync('IPv4', { addresses: [A], services: one(port, 3) });
    for (const [method, path] of [
      ['GET', '/'],
      ['POST', '/healthz?x'],
    ] as const) {
      const { status, body } = await ask({ port, method, path });
      expect([status, JSON.parse(body).localEndpoints]).toEqual([200, 3]);
    }
  });
});

describe('sync', () => {
  test('closes the ports of Services that went away', async () => {
    const { health } = create();
    const port = await freePort();
    await health.sync('IPv4', { addresses: [A], services: one(port) });
    expect(await answers(port)).toBe(true);
    await health.sync('IPv4', { addresses: [A], services: new Map() });
    expect(await answers(port)).toBe(false);
  });

  test('a Service that changes its port is on the new one only', async () => {
    const { health } = create();
    const [before, after] = [await freePort(), await freePort()];
    await health.sync('IPv4', { addresses: [A], services: one(before) });
    await health.sync('IPv4', { addresses: [A], services: one(after) });
    expect([await answers(before), await answers(after)]).toEqual([false, true]);
  });

  test('two Services can swap ports', async () => {
    const { health, failures } = create();
    const [p, q] = [await freePort(), await freePort()];
    const swap = (x: number, y: number) =>
      services({ 'a/x': { port: x, localEndpoints: 1 }, 'a/y': { port: y, localEndpoints: 1 } });
    await health.sync('IPv4', { addresses: [A], services: swap(p, q) });
    await health.sync('IPv4', { addresses: [A], services: swap(q, p) });
    expect(JSON.parse((await ask({ port: p })).body).service.name).toBe('y');
    expect(JSON.parse((await ask({ port: q })).body).service.name).toBe('x');
    expect(failures).toEqual([]);
  });

  test('follows the addresses of the node', async () => {
    const { health } = create();
    const port = await freePort();
    await health.sync('IPv4', { addresses: [A, B], services: one(port) });
    expect([await answers(port, A), await answers(port, B)]).toEqual([true, true]);
    await health.sync('IPv4', { addresses: [B, A], services: one(port) });
    await health.sync('IPv4', { addresses: [B], services: one(port) });
    expect([await answers(port, A), await answers(port, B)]).toEqual([false, true]);
    await health.sync('IPv4', { addresses: 'all', services: one(port) });
    expect([await answers(port, A), await answers(port, B)]).toEqual([true, true]);
  });

  test('families do not touch one another', async () => {
    const { health } = create();
    const port = await freePort();
    await health.sync('IPv4', { addresses: 'all', services: one(port, 1) });
    expect(await answers(port, '::1')).toBe(false);
    await health.sync('IPv6', { addresses: 'all', services: one(port, 2) });
    const counts = [await ask({ host: A, port }), await ask({ host: '::1', port })];
    expect(counts.map(({ body }) => JSON.parse(body).localEndpoints)).toEqual([1, 2]);
    await health.sync('IPv4', { addresses: 'all', services: new Map() });
    expect([await answers(port, A), await answers(port, '::1')]).toEqual([false, true]);
  });

  test('a Service is served on all addresses or none, and tried again with the next call', async () => {
    const { health, failures } = create();
    const other = await occupyPort(B);
    const state = { addresses: [A, B], services: one(other.port) };
    await health.sync('IPv4', state);
    expect(failures).toEqual([`shop/web ${other.port} address-unavailable`]);
    expect(await answers(other.port, A)).toBe(false);
    await health.sync('IPv4', state);
    expect(failures).toHaveLength(2);
    await other.release();
    await health.sync('IPv4', state);
    expect([await answers(other.port, A), await answers(other.port, B)]).toEqual([true, true]);
    expect(failures).toHaveLength(2);
  });

  test('a port that cannot be had does not keep other Services from theirs', async () => {
    const { health } = create();
    const other = await occupyPort(A);
    const port = await freePort();
    const both = services({ 'a/a': { port: other.port, localEndpoints: 1 }, 'b/b': { port, localEndpoints: 1 } });
    await health.sync('IPv4', { addresses: [A], services: both });
    expect(await answers(port)).toBe(true);
    await other.release();
  });

  test('calls are carried out in their order', async () => {
    const { health } = create();
    const ports = [await freePort(), await freePort(), await freePort()];
    await Promise.all(ports.map((port) => health.sync('IPv4', { addresses: [A], services: one(port) })));
    expect(await Promise.all(ports.map((port) => answers(port)))).toEqual([false, false, true]);
  });

  test('close ends all', async () => {
    const { health } = create();
    const port = await freePort();
    void health.sync('IPv4', { addresses: [A], services: one(port) });
    await health.close();
    expect(await answers(port)).toBe(false);
  });
});
