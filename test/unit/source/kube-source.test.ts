import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { KubeEvent } from '../../../src/source/kube-source.ts';
import { startKubeSource } from '../../../src/source/kube-source.ts';
import { proxyResources } from '../../../src/source/resources.ts';
import type { FakeApiCluster } from '../../../src/lab/api/fake-api-cluster.ts';
import { SOON } from '../../support/kube-follower.ts';
import { KubeLab } from '../../support/kube-lab.ts';
import { kubeNode, kubeService, kubeSlice } from '../../support/kube-objects.ts';
import { ScriptedApi } from '../../support/scripted-api.ts';

const PATIENT = { timings: { idleMs: 60_000 } };

let lab: KubeLab;
let cluster: FakeApiCluster;
beforeEach(async () => {
  lab = await KubeLab.start('a fake API server');
  cluster = lab.upstream as FakeApiCluster;
});
afterEach(() => lab.stop());

describe('servers of other ages', () => {
  it.each(['refused', 'overlooked'] as const)('streaming lists are %s', async (how) => {
    cluster.streamingLists = how;
    for (let i = 100; i < 1700; i++) await cluster.put(kubeService(i));
    const { shown, truth } = await lab.follow();
    expect(lab.server.requests.some((url) => url.includes('continue='))).toBe(true);
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('there are no ServiceCIDRs', async () => {
    cluster.absent = new Set(['ServiceCIDR']);
    const { source } = await lab.follow({ ...PATIENT, resources: 3 });
    expect(source.freshness().resources.at(-1)).toMatchObject({ kind: 'ServiceCIDR', absent: true, synced: true });
    expect(source.freshness().newestProofMs).toBeGreaterThan(0);
  });
});

it('a long outage ends in a 410 event, and a list', async () => {
  const { shown, truth, source } = await lab.follow(PATIENT);
  await lab.server.stop();
  await lab.change(1);
  cluster.forgetHistory();
  await lab.server.start();
  await expect.poll(shown, SOON).toEqual(await truth());
  expect(source.freshness().resources[0]?.lists).toBe(2);
});

it('a server that was restored from a backup, where equal versions are not equal objects', async () => {
  cluster.bookmarkMs = 50;
  const { shown, truth } = await lab.follow();
  const restore = cluster.backup();
  await cluster.put(kubeService(3, 7));
  await cluster.put(kubeService(20));
  await expect.poll(shown, SOON).toEqual(await truth());
  await lab.server.stop();
  restore();
  await cluster.put(kubeService(3, 8));
  await lab.server.start();
  await expect.poll(shown, SOON).toEqual(await truth());
});

it('slices carry when their cause happened', async () => {
  const { batches } = await lab.follow(PATIENT);
  const time = '2026-03-01T10:00:00.123456Z';
  await cluster.put(kubeSlice(3, 5, { 'endpoints.kubernetes.io/last-change-trigger-time': time }));
  await cluster.put(kubeSlice(4, 5, { 'endpoints.kubernetes.io/last-change-trigger-time': 'soon' }));
  const last = () =>
    batches
      .flat()
      .slice(-2)
      .map(({ name, triggeredDateMs }) => [name, triggeredDateMs]);
  await expect.poll(last).toEqual([
    ['default/svc-3-x', Date.UTC(2026, 2, 1, 10, 0, 0, 123)],
    ['default/svc-4-x', undefined],
  ]);
});

it('only this Node is followed, and it says when it is about to go', async () => {
  await cluster.put(kubeNode('b', 'node-2'));
  const { store } = await lab.follow(PATIENT);
  expect([...store.nodes().keys()]).toEqual(['node-1']);
  const node = kubeNode('a');
  await cluster.put({ ...node, spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } });
  await expect.poll(() => store.nodes().get('node-1')?.leaving).toBe('scale-down');
  await cluster.remove(node);
  await expect.poll(() => store.nodes().size).toBe(0);
});

it('freshness tells the age of the most neglected watch', async () => {
  cluster.bookmarkMs = 50;
  const { source } = await lab.follow(PATIENT);
  await setTimeout(200);
  const ageMs = () => systemClock.now() - (source.freshness().newestProofMs ?? 0);
  await expect.poll(ageMs).toBeLessThan(150);
  lab.server.freezeWatches();
  await expect.poll(ageMs).toBeGreaterThan(150);
});

it('everything is asked for when DNS wants it', async () => {
  const api = new ScriptedApi();
  const events: KubeEvent[] = [];
  const source = startKubeSource({
    client: api,
    resources: proxyResources('node-1', { pods: true }),
    clock: systemClock,
    log: silentLog,
    onEvents: (batch) => void events.push(...batch),
    onSynced: () => {},
  });
  const asked = api.calls.map(({ path, query }) => [path, query['labelSelector'], query['fieldSelector']]);
  await source.stop();
  expect(asked).toEqual([
    ['/api/v1/services', undefined, undefined],
    ['/apis/discovery.k8s.io/v1/endpointslices', undefined, undefined],
    ['/api/v1/namespaces', undefined, undefined],
    ['/api/v1/pods', undefined, 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown'],
    ['/api/v1/nodes', undefined, 'metadata.name=node-1'],
    ['/apis/networking.k8s.io/v1/servicecidrs', undefined, undefined],
  ]);
  expect(source.freshness()).toMatchObject({ synced: false, newestProofMs: undefined });
});
