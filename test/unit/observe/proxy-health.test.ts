import { describe, expect, test } from 'vitest';
import type { IpFamily } from '../../../src/model/address.ts';
import { ProxyHealth } from '../../../src/observe/proxy-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const NODE = { exists: true, deleting: false, taints: ['node.kubernetes.io/not-ready'] };

interface World {
  readonly health: ProxyHealth;
  readonly clock: FakeClock;
}

/** A proxy that has written everything and knows its node. */
function healthy(options: { families?: readonly IpFamily[]; freshnessLimitMs?: number } = {}): World {
  const clock = new FakeClock();
  const { families = ['IPv6', 'IPv4'] } = options;
  const health = new ProxyHealth({ clock, healthTimeoutMs: 60_000, ...options, families });
  health.nodeChanged(NODE);
  for (const family of families) {
    health.queued(family);
    health.succeeded(family);
  }
  return { health, clock };
}

type Step = (world: World) => unknown;

const pass =
  (seconds: number): Step =>
  ({ clock }) =>
    clock.advance(seconds * 1000);
const queue =
  (family: IpFamily): Step =>
  ({ health }) =>
    health.queued(family);
const succeed =
  (family: IpFamily): Step =>
  ({ health }) =>
    health.succeeded(family);
const node =
  (change: Partial<typeof NODE>): Step =>
  ({ health }) =>
    health.nodeChanged({ ...NODE, ...change });

describe('/healthz and /livez', () => {
  test.each<[name: string, steps: readonly Step[], ailments: readonly string[], live: boolean]>([
    ['everything written, however long ago', [pass(86_400)], [], true],
    ['a change waits for less than the limit', [queue('IPv4'), pass(59.9)], [], true],
    ['a change waits for the limit', [queue('IPv4'), pass(60)], ['sync-overdue'], false],
    [
      'later changes do not make the oldest younger',
      [queue('IPv4'), pass(30), queue('IPv4'), pass(30)],
      ['sync-overdue'],
      false,
    ],
    ['a success makes it well again', [queue('IPv4'), pass(90), succeed('IPv4')], [], true],
    ['a success of the other family does not', [queue('IPv4'), pass(90), succeed('IPv6')], ['sync-overdue'], false],
    [
      'the limit counts from the first change after a success',
      [queue('IPv4'), pass(50), succeed('IPv4'), queue('IPv4'), pass(50)],
      [],
      true,
    ],
    ['the node is being deleted', [node({ deleting: true })], ['node-deleting'], true],
    [
      'the autoscaler is about to delete it',
      [node({ taints: ['a', 'ToBeDeletedByClusterAutoscaler'] })],
      ['node-tainted'],
      true,
    ],
    ['the Node object is gone', [node({ exists: false })], ['node-gone'], true],
    ['it comes back', [node({ exists: false }), node({})], [], true],
    [
      'both proxy and node are ill',
      [queue('IPv6'), pass(61), node({ deleting: true })],
      ['sync-overdue', 'node-deleting'],
      false,
    ],
  ])('%s', async (_, steps, ailments, live) => {
    const world = healthy();
    for (const step of steps) await step(world);
    const answer = world.health.healthz();
    expect(answer.ailments).toEqual(ailments);
    expect(answer.ok).toBe(ailments.length === 0);
    expect(world.health.livez().ok).toBe(live);
    expect(world.health.inStep).toBe(live);
  });

  test.each([
    ['no limit', undefined, 1e9, []],
    ['younger than the limit', 120_000, 120_000, []],
    ['older than the limit', 120_000, 120_001, ['stale']],
  ])('freshness, %s', async (_, freshnessLimitMs, ageMs, ailments) => {
    const { health, clock } = healthy(freshnessLimitMs === undefined ? {} : { freshnessLimitMs });
    expect(health.freshnessAgeMs).toBeUndefined();
    await clock.advance(1e10);
    expect(health.healthz().ok).toBe(true);
    health.freshness(1000);
    await clock.advance(ageMs - 1000);
    expect(health.freshnessAgeMs).toBe(ageMs);
    expect(health.healthz().ailments).toEqual(ailments);
    // Starting again does not bring the API server back, and load balancers should not lose all nodes at once.
    expect(health.livez().ok).toBe(true);
    expect(health.inStep).toBe(true);
    health.freshness(0);
    expect(health.healthz().ok).toBe(true);
  });

  test('until the first success of every family and the first news of the node, /healthz fails and /livez does not', async () => {
    const clock = new FakeClock();
    const health = new ProxyHealth({ clock, families: ['IPv4', 'IPv6'], healthTimeoutMs: 60_000 });
    const ailments = () => health.healthz().ailments;
    expect(ailments()).toEqual(['not-synced', 'node-unknown']);
    health.nodeChanged(NODE);
    health.queued('IPv4');
    health.queued('IPv6');
    await clock.advance(600_000);
    expect(ailments()).toEqual(['not-synced']);
    expect(health.livez().ok).toBe(true);
    health.succeeded('IPv4');
    expect(ailments()).toEqual(['not-synced']);
    expect(health.synced).toBe(false);
    health.succeeded('IPv6');
    expect(ailments()).toEqual([]);
    expect(health.synced).toBe(true);
  });

  test('a change that comes during a sync waits from when that sync began', async () => {
    const { health, clock } = healthy();
    health.queued('IPv4');
    const startedMs = clock.now();
    await clock.advance(10_000);
    health.queued('IPv4');
    await clock.advance(10_000);
    health.succeeded('IPv4', startedMs);
    await clock.advance(39_999);
    expect(health.inStep).toBe(true);
    await clock.advance(1);
    expect(health.inStep).toBe(false);
  });

  test('a family that is not programmed does not count', async () => {
    const { health, clock } = healthy({ families: ['IPv4'] });
    health.queued('IPv6');
    await clock.advance(120_000);
    expect(health.healthz().ok).toBe(true);
    expect(Object.keys(health.healthz().body.status)).toEqual(['IPv4']);
  });
});

describe('the body', () => {
  test('in good health, as kube-proxy has it', async () => {
    const { health, clock } = healthy();
    await clock.advance(9000);
    expect(JSON.stringify(health.healthz().body)).toBe(
      '{"lastUpdated":"2026-01-01T00:00:10.000Z","currentTime":"2026-01-01T00:00:10.000Z","nodeEligible":true,"healthy":true,' +
        '"status":{"IPv4":{"lastUpdated":"2026-01-01T00:00:01.000Z","healthy":true},"IPv6":{"lastUpdated":"2026-01-01T00:00:01.000Z","healthy":true}}}',
    );
    expect(Object.keys(health.livez().body)).toEqual(['lastUpdated', 'currentTime', 'healthy', 'status']);
    expect(health.livez().body.lastUpdated).toBe('2026-01-01T00:00:10.000Z');
  });

  test('with one family late: the newest update of all, and which family it is', async () => {
    const { health, clock } = healthy();
    health.queued('IPv4');
    await clock.advance(59_000);
    health.succeeded('IPv6');
    await clock.advance(1000);
    for (const { body } of [health.healthz(), health.livez()]) {
      expect(body).toMatchObject({
        lastUpdated: '2026-01-01T00:01:00.000Z',
        currentTime: '2026-01-01T00:01:01.000Z',
        healthy: false,
        status: { IPv4: { lastUpdated: '2026-01-01T00:00:01.000Z', healthy: false }, IPv6: { healthy: true } },
      });
    }
  });

  test('of a node that is not eligible still says that the proxy is healthy', () => {
    const { health } = healthy();
    health.nodeChanged({ ...NODE, deleting: true });
    expect(health.healthz().body).toMatchObject({ nodeEligible: false, healthy: true });
  });

  test('before the first success', () => {
    const clock = new FakeClock();
    const health = new ProxyHealth({ clock, families: ['IPv4'], healthTimeoutMs: 60_000 });
    const never = '0001-01-01T00:00:00Z';
    expect(health.healthz().body).toMatchObject({
      lastUpdated: never,
      nodeEligible: false,
      healthy: false,
      status: { IPv4: { lastUpdated: never, healthy: false } },
    });
    expect(health.livez().body).toMatchObject({
      healthy: true,
      status: { IPv4: { lastUpdated: never, healthy: true } },
    });
  });
});
