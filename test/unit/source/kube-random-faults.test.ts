import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SOON } from '../../support/kube-follower.ts';
import { CLUSTER_START_MS, clusters, KubeLab, stopClusters } from '../../support/kube-lab.ts';
import { kubeService, kubeSlice } from '../../support/kube-objects.ts';

describe.each(clusters())('faults at random, in front of %s', (cluster) => {
  let lab: KubeLab;
  beforeEach(async () => {
    lab = await KubeLab.start(cluster);
  }, CLUSTER_START_MS);
  afterEach(async () => {
    await lab.stop();
  });
  afterAll(stopClusters);

  it('2,000 changes among faults at random end in the truth', async () => {
    const { shown, truth, source } = await lab.follow({ headTimeoutMs: 100 });
    const random = seeded(20_260_101);
    const pick = (count: number) => Math.floor(random() * count);
    const faults: readonly (() => Promise<void> | void)[] = [
      () => lab.server.breakWatches(),
      () => lab.server.endWatches(),
      () => lab.server.freezeWatches(),
      () => lab.server.restart(),
      () => lab.server.inject('Service', 'garbage\n'),
      () => lab.server.inject('EndpointSlice', '{"type":"ADDED","object":{}}\n'),
      () => {
        const only = (url: string) => url.includes('resourceVersion=');
        lab.server.faults.refusals = { status: 410, reason: 'Expired', times: 3, only };
      },
      () => {
        lab.server.faults.refusals = { status: 500, reason: 'InternalError', times: 3 };
      },
      () => {
        lab.server.faults.cutLists = { how: 'broken', times: 2 };
      },
      async () => {
        lab.server.faults.mute = true;
        await setTimeout(20);
        lab.server.faults.mute = false;
      },
    ];
    for (let i = 0; i < 2000; i++) {
      const index = pick(40);
      const make = pick(2) === 0 ? kubeService : kubeSlice;
      await (pick(4) === 0 ? lab.upstream.remove(make(index)) : lab.upstream.put(make(index, pick(20))));
      if (pick(20) === 0) await faults[pick(faults.length)]?.();
      if (pick(5) === 0) await setTimeout(1);
    }
    lab.server.faults.refusals = undefined;
    lab.server.faults.cutLists = undefined;
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(source.freshness().resources.reduce((sum, { failures }) => sum + failures, 0)).toBeGreaterThan(10);
  }, 60_000);
});

/** Numbers from 0 to 1 that are the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
