import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createKubeClient } from '../../../src/source/kube-client.ts';
import type { KubeEvent, KubeSource } from '../../../src/source/kube-source.ts';
import { startKubeSource } from '../../../src/source/kube-source.ts';
import { dnsResources } from '../../../src/source/resources.ts';
import { SOON } from '../../support/kube-follower.ts';
import { CLUSTER_START_MS, clusters, KubeLab, stopClusters } from '../../support/kube-lab.ts';
import { recordingLog } from '../../support/recording-log.ts';

const NAMESPACES = dnsResources({ pods: false }).filter(({ kind }) => kind === 'Namespace');

function namespace(name: string, phase: string) {
  const metadata = { name, labels: { phase } };
  return { apiVersion: 'v1', kind: 'Namespace', metadata, spec: { finalizers: ['kubernetes'] } };
}

describe.each(clusters())('the metadata of Namespaces alone, of %s', (cluster) => {
  let lab: KubeLab;
  let source: KubeSource | undefined;
  const events: KubeEvent[] = [];
  const log = recordingLog();
  beforeEach(async () => {
    events.length = 0;
    lab = await KubeLab.start(cluster);
    await lab.upstream.put(namespace('before', 'listed'));
  }, CLUSTER_START_MS);
  afterEach(async () => {
    await source?.stop();
    await lab.stop();
  });
  afterAll(stopClusters);

  async function follow(): Promise<void> {
    const client = await createKubeClient({ clock: systemClock, log: log.log, qps: -1, master: lab.server.url });
    await new Promise<void>((onSynced) => {
      const onEvents = (batch: readonly KubeEvent[]) => void events.push(...batch);
      source = startKubeSource({ client, resources: NAMESPACES, log: log.log, clock: systemClock, onEvents, onSynced });
    });
  }

  const namesSeen = () => events.map(({ name }) => name);

  it('comes with lists and with changes, and nothing else does', async () => {
    await follow();
    expect(namesSeen()).toContain('before');
    await lab.upstream.put(namespace('after', 'created'));
    await expect.poll(namesSeen, SOON).toContain('after');
    await lab.upstream.put(namespace('after', 'changed'));
    const last = () => events.findLast(({ name }) => name === 'after')?.json;
    await expect.poll(last, SOON).toMatchObject({ metadata: { labels: { phase: 'changed' } } });
    expect(log.messages('warn')).toEqual([]);
    // What is in memory has only whole objects.
    if (cluster !== 'kube-apiserver') return;
    for (const { json } of events) {
      expect(json).toMatchObject({ kind: 'PartialObjectMetadata' });
      expect(json).not.toHaveProperty('spec');
      expect(json).not.toHaveProperty('status');
    }
  });

  it('comes in pages, too', async () => {
    const only = (url: string) => url.includes('sendInitialEvents');
    lab.server.faults.refusals = { status: 422, reason: 'Invalid', times: 1, only };
    await follow();
    expect(namesSeen()).toContain('before');
    expect(lab.server.requests).toContainEqual(expect.stringContaining('limit='));
  });
});
