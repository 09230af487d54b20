import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SOON } from '../../support/kube-follower.ts';
import { CLUSTER_START_MS, clusters, KubeLab, stopClusters } from '../../support/kube-lab.ts';
import { kubeService } from '../../support/kube-objects.ts';

/** For tests that count lists, which silence could bring about as well. */
const PATIENT = { timings: { idleMs: 60_000 } };

describe.each(clusters())('connections, in front of %s', (cluster) => {
  let lab: KubeLab;
  beforeEach(async () => {
    lab = await KubeLab.start(cluster);
  }, CLUSTER_START_MS);
  afterEach(async () => {
    vi.useRealTimers();
    await lab.stop();
  });
  afterAll(stopClusters);

  it('objects come, change and go', async () => {
    const { shown, truth } = await lab.follow();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('a Service that another proxy takes is gone, until it comes back', async () => {
    const { shown, truth, store } = await lab.follow();
    const taken = { 'service.kubernetes.io/service-proxy-name': 'other' };
    await lab.upstream.put(kubeService(3, 0, taken));
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(store.snapshot().servicePorts.has('default/svc-3:http')).toBe(false);
    await lab.upstream.remove(kubeService(3));
    await lab.upstream.put(kubeService(3));
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(store.snapshot().servicePorts.size).toBeGreaterThanOrEqual(5);
  });

  it('a restart of the API server', async () => {
    const { shown, truth } = await lab.follow();
    await lab.server.restart();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('an outage, while the last known state stays', async () => {
    const { shown, truth, store, log } = await lab.follow();
    const before = store.snapshot();
    await lab.server.stop();
    await lab.change(1);
    await setTimeout(300);
    expect(store.snapshot()).toBe(before);
    await lab.server.start();
    await expect.poll(shown, SOON).toEqual(await truth());
    await expect.poll(() => log.messages('info')).toContain('following the API server again');
  });

  it('an outage so long that the server has forgotten where the watches were', async () => {
    const { shown, truth } = await lab.follow();
    await lab.server.stop();
    await lab.change(1);
    const only = (url: string) => url.includes('resourceVersion=');
    lab.server.faults.refusals = { status: 410, reason: 'Expired', times: 4, only };
    await lab.server.start();
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('watches that end normally go on where they were, without a list', async () => {
    const { shown, truth, source } = await lab.follow(PATIENT);
    lab.server.endWatches();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(source.freshness().resources.map(({ lists }) => lists)).toEqual([1, 1, 1, 1]);
  });

  it('watches whose connections break', async () => {
    const { shown, truth } = await lab.follow();
    for (let i = 1; i < 10; i++) {
      lab.server.breakWatches();
      await lab.change(i);
    }
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('half-open connections: the server says nothing any more in the middle of a watch', async () => {
    const { shown, truth } = await lab.follow();
    lab.server.freezeWatches();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('half-open connections: the server accepts and never answers', async () => {
    const { shown, truth } = await lab.follow({ headTimeoutMs: 100 });
    lab.server.faults.mute = true;
    lab.server.breakWatches();
    await lab.change(1);
    await setTimeout(300);
    lab.server.faults.mute = false;
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('watches that are closed at once, without asking too often', async () => {
    const { shown, truth } = await lab.follow();
    lab.server.faults.closesWatches = true;
    const before = lab.server.requests.length;
    lab.server.endWatches();
    await setTimeout(500);
    const asked = lab.server.requests.length - before;
    await lab.change(1);
    lab.server.faults.closesWatches = false;
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(asked).toBeLessThan(4 * 30);
  });

  it('a clock that jumps', async () => {
    const { shown, truth, source } = await lab.follow(PATIENT);
    for (const days of [1, -400]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 });
      lab.server.endWatches();
      await lab.change(Math.abs(days) % 7);
      await expect.poll(shown, SOON).toEqual(await truth());
      vi.useRealTimers();
    }
    expect(source.freshness().resources.map(({ lists }) => lists)).toEqual([1, 1, 1, 1]);
  });
});
