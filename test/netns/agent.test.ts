import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { AgentCluster, answerer, healthOf } from '../support/agent-cluster.ts';
import { SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, writeKubeletRules } from '../support/program-machine.ts';
import { clusterIp, SERVICE_PORT } from '../support/program-objects.ts';
import type { Stream } from '../support/program-traffic.ts';
import { startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const WEB = { name: 'web', id: 10, pods: ['remote-a'] };
const STEADY = { name: 'steady', id: 11, pods: ['remote-c', 'remote-d'] };

const STOP_LIMIT_MS = 5000;

/** For what takes milliseconds, on a machine that is busy with other things. */
const SOON = { timeout: 10_000, interval: 20 };

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await startServers(lab);
});

afterAll(() => lab.close());

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let cluster: AgentCluster;

  beforeEach(async () => {
    cluster = new AgentCluster(variant);
    await writeKubeletRules(variant.iptables ?? 'nf_tables');
  });

  afterEach(async () => {
    await SluiceCommand.killAll();
    await cluster.stop();
    await emptyMachine();
  });

  /** Waits until one and the same answers on all streams. */
  async function untilAnswered(streams: readonly Stream[], by: string): Promise<void> {
    const expected = streams.map(({ title }) => `${title}: ${by}`);
    const ask = async (stream: Stream) => `${stream.title}: ${await answerer(lab, stream)}`;
    await expect.poll(() => Promise.all(streams.map(ask)), SOON).toEqual(expected);
  }

  test('packets follow Services that appear, change and go away', async () => {
    await cluster.start();
    const command = cluster.run();
    await expect.poll(() => healthOf(), SOON).toBe('200');
    await cluster.put(WEB);
    await untilAnswered(streamsTo(WEB), 'remote-a');
    await cluster.put({ ...WEB, pods: ['remote-b'] });
    await untilAnswered(streamsTo(WEB), 'remote-b');
    await cluster.put({ ...WEB, pods: [] });
    await expect.poll(() => cluster.differences(), SOON).toEqual([]);
    await untilAnswered(
      streamsTo(WEB).filter(({ from, protocol }) => from !== 'node' && protocol === 'udp'),
      'refused',
    );
    await cluster.remove(WEB);
    await expect.poll(() => cluster.differences(), SOON).toEqual([]);
    for (const stream of streamsTo(WEB)) expect(await answerer(lab, stream)).not.toContain('remote');
    expect(await command.signal('SIGTERM')).toMatchObject({
      exitCode: 0,
      stderr: expect.not.stringMatching(/ERROR|WARN/),
    });
  });

  test('while the API server is away the rules stay, and afterwards they follow', async () => {
    await cluster.start([WEB, STEADY]);
    const command = cluster.run(['--log-level', 'debug']);
    await untilAnswered(streamsTo(WEB), 'remote-a');
    const traffic = await Traffic.start(lab, streamsTo(STEADY, ['ClusterIP']));
    const writes = countOf(command, 'rules written');
    await cluster.server.stop();
    await cluster.remove(WEB);
    await cluster.put({ name: 'other', id: 12, pods: ['remote-b'] });
    await sleep(2000);
    await untilAnswered(streamsTo(WEB), 'remote-a');
    expect(await healthOf()).toBe('200');
    expect(countOf(command, 'rules written')).toBe(writes);
    cluster.objects.forgetHistory();
    await cluster.server.start();
    await untilAnswered(streamsTo({ name: 'other', id: 12, pods: [] }), 'remote-b');
    await expect.poll(() => cluster.differences(), SOON).toEqual([]);
    expect((await traffic.stop()).lost).toEqual([]);
    expect(countOf(command, ' ERROR ')).toBe(0);
  });

  test.each(['IPv4', 'IPv6'] as const)(
    'a UDP flow of a fixed source port goes to the new endpoint (%s)',
    async (family) => {
      await cluster.start([WEB]);
      cluster.run();
      const address = clusterIp(WEB, family);
      const flow = { from: 'pod-a', protocol: 'udp', address, port: SERVICE_PORT, sourcePort: 45_000 } as const;
      await expect.poll(() => answerer(lab, { ...flow, sourcePort: 45_001 }), SOON).toBe('remote-a');
      expect(await answerer(lab, flow)).toBe('remote-a');
      await cluster.put({ ...WEB, pods: ['remote-b'] });
      await expect.poll(() => answerer(lab, flow), { timeout: 3000, interval: 20 }).toBe('remote-b');
    },
  );

  test('it ends soon and leaves the rules; the next one finds nothing to do', async () => {
    await cluster.start([WEB, STEADY]);
    const command = cluster.run();
    await untilAnswered(streamsTo(WEB), 'remote-a');
    const second = await cluster.run().outcome();
    expect(second).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(already-running)') });
    const stoppedAt = performance.now();
    expect(await command.signal('SIGTERM')).toMatchObject({ exitCode: 0, stdout: '' });
    expect(performance.now() - stoppedAt).toBeLessThan(STOP_LIMIT_MS);
    await untilAnswered(streamsTo(WEB), 'remote-a');
    expect(await cluster.differences()).toEqual([]);
    const third = cluster.run();
    await expect.poll(() => healthOf(), SOON).toBe('200');
    await third.signal('SIGTERM');
    expect(third.stderr).not.toContain('rules written');
  });

  test('it ends as soon when the API server does not answer', async () => {
    await cluster.start();
    cluster.server.faults.mute = true;
    const command = cluster.run();
    await expect.poll(() => cluster.server.requests.length, SOON).toBeGreaterThan(2);
    const stoppedAt = performance.now();
    expect(await command.signal('SIGTERM')).toMatchObject({ exitCode: 0 });
    expect(performance.now() - stoppedAt).toBeLessThan(STOP_LIMIT_MS);
  });
});

function countOf(command: SluiceCommand, text: string): number {
  return command.stderr.split(text).length - 1;
}
