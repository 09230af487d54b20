import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { AgentCluster, healthOf } from '../support/agent-cluster.ts';
import type { ToolFault } from '../support/faulty-tools.ts';
import { FaultyTools } from '../support/faulty-tools.ts';
import { childrenOf, firstFreeDescriptor, limitDescriptors } from '../support/process-tree.ts';
import { SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, forgetUdpSoon, run, writeKubeletRules } from '../support/program-machine.ts';
import { startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import type { ProgramVariant } from '../support/program-variants.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

/** Nothing of it changes in any of the tests, so that not a packet to it may fail. */
const STEADY = { name: 'steady', id: 10, pods: ['pod-d', 'remote-a', 'remote-b'] };
const WEB = { name: 'web', id: 11, pods: ['pod-b', 'remote-c'] };

/** Too much for the long-lived nft, so that it goes through a program of its own. */
const MANY = Array.from({ length: 45 }, (_, i) => ({
  name: `many-${i}`,
  id: 20 + i,
  pods: ['pod-b', 'remote-a', 'remote-b'],
}));

/** The legacy interface does not; what is looked for every half minute there has a test of its own. */
const announcesChanges = ({ iptables }: ProgramVariant) => iptables !== 'legacy';

/** Keeps its tool running; and of what concerns no backend in particular, one is enough. */
const isNft = ({ backend }: ProgramVariant) => backend.name === 'nft';

const SOON = { timeout: 30_000, interval: 100 };

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
});

afterAll(() => lab.close());

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let cluster: AgentCluster;
  let tools: FaultyTools;
  let traffic: Traffic | undefined;

  beforeEach(async () => {
    cluster = new AgentCluster(variant);
    tools = await FaultyTools.create();
    await writeKubeletRules(variant.iptables ?? 'nf_tables');
  });

  afterEach(async () => {
    await lost();
    await SluiceCommand.killAll();
    await cluster.stop();
    await emptyMachine();
    tools.remove();
  });

  function killHelpers({ pid }: SluiceCommand): void {
    for (const helper of childrenOf(pid)) {
      try {
        process.kill(helper, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  async function inStep(): Promise<void> {
    await expect.poll(() => cluster.differences(), SOON).toEqual([]);
  }

  /** Connections to the Service that nothing happened to, and that failed. */
  async function lost(): Promise<readonly string[]> {
    const report = await traffic?.stop();
    traffic = undefined;
    return report?.lost ?? [];
  }

  async function start(args: readonly string[] = []): Promise<SluiceCommand> {
    const command = cluster.run(args, { env: tools.env });
    await expect
      .poll(() => healthOf(), SOON)
      .toBe('200')
      .catch((thrown: unknown) => {
        throw new Error(command.stderr, { cause: thrown });
      });
    return command;
  }

  /** One change after the other. */
  async function churn(rounds: number, between: (round: number) => Promise<unknown> = () => sleep(10)): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await cluster.put({ ...WEB, pods: [['pod-b'], ['remote-c', 'pod-c'], ['remote-c']][round % 3] ?? [] });
      await between(round);
    }
  }

  test('a tool that is killed or runs out of something: the state is the right one in the end', async () => {
    const faults: readonly ToolFault[] = [
      'killed before',
      'killed midway',
      'killed after',
      'out of buffers',
      'out of memory',
    ];
    tools.plan(faults);
    await cluster.start([STEADY, WEB, ...MANY]);
    const command = await start();
    expect(tools.left.length).toBeLessThan(faults.length - 2);
    await inStep();
    traffic = await Traffic.start(lab, streamsTo(STEADY, ['ClusterIP']));
    tools.plan(faults);
    for (const service of MANY) await cluster.put({ ...service, pods: ['remote-c', 'pod-c'] });
    await expect.poll(() => tools.left.length, SOON).toBeLessThan(faults.length);
    await inStep();
    expect(await lost()).toEqual([]);
    expect(await command.signal('SIGTERM')).toMatchObject({
      exitCode: 0,
      stderr: expect.not.stringMatching(/internal|refused the rules/),
    });
  });

  test('helpers that are killed all the time: no packet is lost and no update', async () => {
    await cluster.start([STEADY, WEB]);
    const command = await start();
    traffic = await Traffic.start(lab, streamsTo(STEADY, ['ClusterIP']));
    await churn(40, async () => {
      killHelpers(command);
      await sleep(20);
    });
    await inStep();
    expect(await lost()).toEqual([]);
    expect((await command.signal('SIGTERM')).exitCode).toBe(0);
  });

  test.each([variant].filter(announcesChanges))(
    'rules that are flushed again and again under load are there in the end',
    async () => {
      await cluster.start([STEADY, WEB]);
      const command = await start(['--log-level', 'debug']);
      await churn(40, async (round) => {
        if (round % 8 === 0) await run('nft', ['flush', 'ruleset']);
        await sleep(10);
      });
      await inStep();
      expect(await command.signal('SIGTERM')).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringMatching(/internal/),
      });
    },
  );

  test.each([variant].filter(announcesChanges))(
    'without file descriptors it waits, and goes on once there are some',
    async () => {
      await cluster.start([STEADY, WEB]);
      const command = await start();
      traffic = await Traffic.start(lab, streamsTo(STEADY, ['ClusterIP']));
      await limitDescriptors(command.pid, firstFreeDescriptor(command.pid));
      killHelpers(command);
      await cluster.put({ ...WEB, pods: ['remote-a'] });
      await sleep(1500);
      expect(await cluster.differences()).not.toEqual([]);
      await limitDescriptors(command.pid, 4096);
      await churn(5);
      await inStep();
      expect(await lost()).toEqual([]);
      expect(await command.signal('SIGTERM')).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringMatching(/internal/),
      });
    },
  );

  test.each([variant].filter(isNft))('a tool that hangs is ended, and what it was to write is written', async () => {
    tools.plan(['hangs']);
    await cluster.start([STEADY, WEB, ...MANY]);
    const command = await start();
    await inStep();
    traffic = await Traffic.start(lab, streamsTo(STEADY, ['ClusterIP']));
    await churn(2);
    await inStep();
    const helpers = childrenOf(command.pid, 'nft');
    expect(helpers.length).toBeGreaterThan(0);
    for (const helper of helpers) process.kill(helper, 'SIGSTOP');
    await cluster.put({ ...WEB, pods: ['remote-a'] });
    // One family after the other.
    await expect.poll(() => command.stderr, SOON).toContain('nft did not answer within 10 s and was ended');
    await inStep();
    expect(await lost()).toEqual([]);
    expect((await command.signal('SIGTERM')).exitCode).toBe(0);
  });

  test.each([variant].filter(isNft))('a full disk behind the log, or nobody who reads it, stops nothing', async () => {
    await cluster.start([STEADY, WEB]);
    const launcher = ['sh', '-c', 'exec "$@" 2> /dev/full', 'sh'] as const;
    const onFullDisk = cluster.run(['--log-level', 'debug'], { launcher });
    await expect.poll(() => healthOf(), SOON).toBe('200');
    await churn(3);
    await inStep();
    expect((await onFullDisk.signal('SIGTERM')).exitCode).toBe(0);

    const unheard = await start(['--log-level', 'debug']);
    unheard.deafen();
    await cluster.remove(WEB);
    await churn(3);
    await inStep();
    expect((await unheard.signal('SIGTERM')).exitCode).toBe(0);
  });
});
