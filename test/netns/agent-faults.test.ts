import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { AgentCluster, healthOf } from '../support/agent-cluster.ts';
import { SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, writeKubeletRules } from '../support/program-machine.ts';
import { objectsOf, TOPOLOGY } from '../support/program-objects.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const EVENTS = 300;

/** An event in so many comes with a fault of the server. */
const FAULT_EVERY = 12;

const SEED = 20_260_101;

const PATIENCE = { timeout: 45_000, interval: 100 };

/** Numbers from 0 to just below `below`, the same ones in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const SPECS = [
  {},
  { sessionAffinity: 'ClientIP' },
  { externalTrafficPolicy: 'Local' },
  { internalTrafficPolicy: 'Local' },
  { externalIPs: ['198.51.100.7', '2001:db8:100::7'] },
];

/** What goes wrong with an API server; each of them passes. */
const FAULTS: readonly ((cluster: AgentCluster) => Promise<void> | void)[] = [
  ({ server }) => server.restart(),
  async ({ server }) => {
    await server.stop();
    await sleep(150);
    await server.start();
  },
  ({ objects }) => objects.forgetHistory(),
  ({ server, objects }) => {
    objects.forgetHistory();
    server.breakWatches();
  },
  ({ server }) => server.breakWatches('Service'),
  ({ server }) => server.endWatches(),
  ({ server }) => server.inject('EndpointSlice', '{"type":"MODIFIED","object":{"metadata"\n'),
  ({ server }) => {
    server.faults.cutLists = { times: 2, how: 'broken' };
    server.inject('Service', 'garbage\n');
  },
  ({ server }) => {
    server.faults.refusals = { times: 3, status: 429, reason: 'TooManyRequests', retryAfterSeconds: 1 };
    server.breakWatches();
  },
];

/** Puts or removes one object, of a Service that may lack the others, at random. */
async function change(cluster: AgentCluster, random: (below: number) => number): Promise<void> {
  const id = 1 + random(20);
  const pods = TOPOLOGY.pods.map(({ name }) => name).filter(() => random(3) === 0);
  const objects = objectsOf({ name: `svc-${id}`, id, pods, spec: SPECS[random(SPECS.length)] ?? {} });
  const object = objects[random(objects.length)] as UntypedObject | undefined;
  if (object === undefined) return;
  if (random(5) === 0) await cluster.objects.remove(object);
  else await cluster.objects.put(object);
}

describe.each(PROGRAM_VARIANTS.filter(({ iptables }) => iptables !== 'legacy'))('$title', (variant) => {
  let cluster: AgentCluster;

  beforeEach(async () => {
    cluster = new AgentCluster(variant);
    await writeKubeletRules('nf_tables');
  });

  afterEach(async () => {
    await SluiceCommand.killAll();
    await cluster.stop();
    await emptyMachine();
  });

  test(`${EVENTS} random changes with faults between them end in the right rules`, async () => {
    const random = randomNumbers(SEED);
    await cluster.start();
    const command = cluster.run();
    await expect.poll(() => healthOf(), { timeout: 10_000, interval: 20 }).toBe('200');
    for (let event = 1; event <= EVENTS; event++) {
      await change(cluster, random);
      if (random(4) === 0) await sleep(random(30));
      if (event % FAULT_EVERY !== 0) continue;
      await FAULTS[(event / FAULT_EVERY) % FAULTS.length]?.(cluster);
      await sleep(random(200));
    }
    await expect.poll(() => cluster.differences(), PATIENCE).toEqual([]);
    expect(await healthOf()).toBe('200');
    const { exitCode, stderr } = await command.signal('SIGTERM');
    expect([exitCode, stderr]).toEqual([0, expect.not.stringMatching(/sync failed|internal|refused the rules/)]);
  });
});
