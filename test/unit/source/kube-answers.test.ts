import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOON } from '../../support/kube-follower.ts';
import { CLUSTER_START_MS, clusters, KubeLab, stopClusters } from '../../support/kube-lab.ts';
import { kubeService } from '../../support/kube-objects.ts';

/** For tests that count lists, which silence could bring about as well. */
const PATIENT = { timings: { idleMs: 60_000 } };

describe.each(clusters())('answers, in front of %s', (cluster) => {
  let lab: KubeLab;
  beforeEach(async () => {
    lab = await KubeLab.start(cluster);
  }, CLUSTER_START_MS);
  afterEach(async () => {
    await lab.stop();
  });
  afterAll(stopClusters);

  it('a list that takes its time', async () => {
    lab.server.faults.listMs = 400;
    const { shown, truth } = await lab.follow();
    lab.server.faults.listMs = 0;
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it.each(['broken', 'clean'] as const)('lists that end half way: %s', async (how) => {
    lab.server.faults.cutLists = { times: 12, how };
    const { shown, truth } = await lab.follow();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  const GARBAGE: readonly (readonly [string, string])[] = [
    ['no JSON', 'hello\n'],
    ['half an event', '{"type":"ADDED","object":{"metadata":{\n'],
    ['an unknown type', '{"type":"EATEN","object":{"metadata":{"name":"x","namespace":"y","resourceVersion":"1"}}}\n'],
    ['an object without a name', '{"type":"MODIFIED","object":{"metadata":{"namespace":"x","resourceVersion":"1"}}}\n'],
    [
      'an object of another kind',
      '{"type":"ADDED","object":{"kind":"Status","metadata":{"name":"x","resourceVersion":"1"}}}\n',
    ],
    ['an error', '{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"oops"}}\n'],
    ['an empty line', '\n'],
  ];
  it.each(GARBAGE)('garbage in a watch: %s', async (_what, line) => {
    const { shown, truth, source, log } = await lab.follow(PATIENT);
    const listed = () => source.freshness().resources[0]?.lists ?? 0;
    lab.server.inject('Service', line);
    await lab.change(1);
    await expect.poll(listed).toBe(2);
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(log.messages('warn')).toHaveLength(1);
  });

  it('an event that is there twice, and one that is old', async () => {
    const { shown, truth, batches, source } = await lab.follow(PATIENT);
    const [old] = await lab.upstream.list('Service', 'fieldSelector=metadata.name%3Dsvc-4&labelSelector=!none');
    await lab.upstream.put(kubeService(4, 1));
    await expect.poll(shown, SOON).toEqual(await truth());
    const count = batches.length;
    const [now] = await lab.upstream.list('Service', 'fieldSelector=metadata.name%3Dsvc-4&labelSelector=!none');
    lab.server.inject('Service', `${JSON.stringify({ type: 'MODIFIED', object: now })}\n`);
    await setTimeout(50);
    expect(batches).toHaveLength(count);
    lab.server.inject('Service', `${JSON.stringify({ type: 'MODIFIED', object: old })}\n`);
    await expect.poll(() => source.freshness().resources[0]?.lists).toBe(2);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('429 with Retry-After is honoured', async () => {
    const { shown, truth } = await lab.follow(PATIENT);
    lab.server.faults.refusals = { status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1, times: 4 };
    const startedMs = performance.now();
    const before = lab.server.requests.length;
    lab.server.endWatches();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(performance.now() - startedMs).toBeGreaterThan(990);
    await expect.poll(() => lab.server.requests.length - before).toBe(8);
    await setTimeout(100);
    expect(lab.server.requests.length - before).toBe(8);
  });
});
