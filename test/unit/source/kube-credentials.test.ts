import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createAuthority } from '../../../src/lab/api/certificates.ts';
import { SOON } from '../../support/kube-follower.ts';
import { CLUSTER_START_MS, clusters, KubeLab, stopClusters } from '../../support/kube-lab.ts';

describe.each(clusters())('credentials, in front of %s', (cluster) => {
  let lab: KubeLab;
  beforeEach(async () => {
    lab = await KubeLab.start(cluster);
  }, CLUSTER_START_MS);
  afterEach(async () => {
    await lab.stop();
  });
  afterAll(stopClusters);

  it('a rotated token', async () => {
    lab.server.tokens = new Set(['first']);
    await lab.write('token', 'first\n');
    const { shown, truth, log } = await lab.follow(await lab.kubeconfig({ tokenFile: 'token' }));
    lab.server.tokens = new Set(['second']);
    await lab.write('token', 'second\n');
    lab.server.breakWatches();
    await lab.change(1);
    await expect.poll(shown, SOON).toEqual(await truth());
    expect(log.messages('warn').filter((message) => message.includes('401'))).toEqual([]);
  });

  it('a rotated token that comes late', async () => {
    lab.server.tokens = new Set(['first']);
    await lab.write('token', 'first');
    const { shown, truth, log } = await lab.follow(await lab.kubeconfig({ tokenFile: 'token' }));
    lab.server.tokens = new Set(['second']);
    lab.server.breakWatches();
    await lab.change(1);
    await expect.poll(() => log.messages('warn').some((message) => message.includes('401'))).toBe(true);
    await lab.write('token', 'second');
    await expect.poll(shown, SOON).toEqual(await truth());
  });

  it('rotated certificates of the server and of the client', async () => {
    const [first, second] = [createAuthority(), createAuthority()];
    const install = async (authority: typeof first) => {
      const client = authority.issue('node-1', 'system:nodes');
      await lab.write('ca.crt', authority.ca);
      await lab.write('client.crt', client.cert);
      await lab.write('client.key', client.key);
    };
    await install(first);
    await lab.server.restart({ ...first.issue('server'), clientCa: first.ca });
    const user = { 'client-certificate': 'client.crt', 'client-key': 'client.key' };
    const config = await lab.kubeconfig(user, { 'certificate-authority': 'ca.crt' });
    const { shown, truth } = await lab.follow(config);
    await lab.server.restart({ ...second.issue('server'), clientCa: second.ca });
    await lab.change(1);
    await setTimeout(100);
    await install(second);
    await expect.poll(shown, SOON).toEqual(await truth());
  });
});
