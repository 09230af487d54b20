import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { emptyMachine, forgetUdpSoon } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import { startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const UPDATES = 50;

/** Long enough for some connections of each client between two updates. */
const BETWEEN_UPDATES_MS = 15;

let lab: Lab;
/** Pods that the clients can be sent to: those of the client's own bridge only where bridged packets meet netfilter. */
let pods: readonly string[];

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
  const remote = ['remote-a', 'remote-b', 'remote-c', 'remote-d'];
  pods = lab.bridgeNetfilter ? ['pod-b', 'pod-c', ...remote] : remote;
});

afterAll(() => lab.close());

const web = { name: 'web', id: 10 };
const sticky = { name: 'sticky', id: 11, spec: { sessionAffinity: 'ClientIP' } };
const other = { name: 'other', id: 12, pods: ['pod-d', 'remote-a'] };

/** Some of the pods, others with each number. */
function somePods(count: number, from: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => pods[(from + i) % pods.length] ?? '');
}

/** What changes at each update, in turn. */
const CHANGES: readonly ((node: ProgramNode, round: number) => void)[] = [
  // Endpoints of the Service under load: one less, another instead, more, all others, a single one, none in common.
  (node, round) => node.put({ ...web, pods: somePods(2, round) }),
  (node, round) => node.put({ ...web, pods: somePods(2, round + 1) }),
  (node, round) => node.put({ ...web, pods: somePods(4, round + 1) }),
  (node, round) => node.put({ ...sticky, pods: somePods(2, round + 1) }),
  (node, round) => node.put({ ...web, pods: somePods(1, round + 3) }),
  (node, round) => node.put({ ...web, pods: somePods(3, round) }),
  // Other Services.
  (node) => node.put({ ...other, spec: { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' } }),
  (node, round) => node.put({ ...other, id: 20 + round, name: `new-${round}` }),
  (node) => node.put({ ...other, spec: { sessionAffinity: 'ClientIP' }, pods: [] }),
  (node, round) => {
    node.remove({ ...other, id: 20 + round, name: `new-${round}` });
    node.put(other);
  },
];

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let node: ProgramNode;

  beforeEach(() => {
    node = new ProgramNode(variant, [{ ...web, pods: somePods(3, 0) }, { ...sticky, pods: somePods(3, 0) }, other]);
  });

  afterEach(async () => {
    await node.stop();
    await emptyMachine();
  });

  test(`${UPDATES} updates, and not a connection is lost`, async () => {
    await node.sync();
    const streams = [...streamsTo({ ...web, pods }), ...streamsTo({ ...sticky, pods }, ['ClusterIP'])];
    const traffic = await Traffic.start(lab, streams);
    let written = 0;
    for (let i = 0; i < UPDATES; i += 1) {
      CHANGES[i % CHANGES.length]?.(node, Math.floor(i / CHANGES.length));
      const changes = (await node.sync()).map((report) => report.changes);
      if (changes.every((count) => count > 0)) written += 1;
      await sleep(BETWEEN_UPDATES_MS);
    }
    const { lost, connections } = await traffic.stop();
    expect(lost).toEqual([]);
    expect(written).toBe(UPDATES);
    expect(connections).toBeGreaterThan(UPDATES * streams.length);
    expect(await node.differences()).toEqual([]);
    expect(node.complaints.lines).toEqual([]);
  });
});
