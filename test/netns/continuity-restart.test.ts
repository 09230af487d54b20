import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { diffRuleSets } from '../../src/backend/rules.ts';
import { Lab } from '../../src/lab/lab.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { emptyMachine, forgetUdpSoon } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import { loadBalancerIp } from '../support/program-objects.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
});

afterAll(() => lab.close());

/** Clients of every origin can be sent to these, whether or not bridged packets meet netfilter. */
const remotePods = ['remote-a', 'remote-b', 'remote-c'];

const web = { name: 'web', id: 10 };
const sticky = { name: 'sticky', id: 11, spec: { sessionAffinity: 'ClientIP' } };
/** Something of everything that rules are made for. */
const edge = {
  name: 'edge',
  id: 12,
  pods: ['pod-d', 'remote-d'],
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_012,
    loadBalancerSourceRanges: ['172.18.0.0/16', '10.244.0.0/16', 'fd00:172:18::/64'],
  },
  status: { loadBalancer: { ingress: IP_FAMILIES.map((family) => ({ ip: loadBalancerIp({ id: 12 }, family) })) } },
};
const empty = { name: 'empty', id: 13, pods: [] };

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let node: ProgramNode;

  beforeEach(async () => {
    node = new ProgramNode(variant, [{ ...web, pods: remotePods }, { ...sticky, pods: remotePods }, edge, empty]);
    await node.sync();
  });

  afterEach(async () => {
    await node.stop();
    await emptyMachine();
  });

  test('a restart without changes writes nothing, and not a connection is lost', async () => {
    const streams = [
      ...streamsTo({ ...web, pods: remotePods }),
      ...streamsTo({ ...sticky, pods: remotePods }, ['ClusterIP']),
    ];
    const traffic = await Traffic.start(lab, streams);
    for (let round = 0; round < 3; round += 1) {
      await node.restart();
      expect((await node.sync()).map(({ family, changes }) => [family, changes])).toEqual([
        ['IPv4', 0],
        ['IPv6', 0],
      ]);
    }
    expect((await traffic.stop()).lost).toEqual([]);
    expect(await node.differences()).toEqual([]);
  });

  test('a restart writes exactly what changed meanwhile, and not a connection is lost', async () => {
    const [stream] = streamsTo({ ...web, pods: remotePods });
    if (stream === undefined) throw new Error('no stream');
    const traffic = await Traffic.start(lab, streamsTo({ ...web, pods: remotePods }));
    const before = new Map(IP_FAMILIES.map((family) => [family, node.desired(family)]));
    await node.restart();
    node.put({ ...web, pods: ['remote-b', 'remote-d'] });
    node.remove(empty);
    node.put({ ...web, id: 30, name: 'new', pods: ['pod-b'] });
    const expected = IP_FAMILIES.map((family) => {
      const known = before.get(family);
      if (known === undefined) throw new Error(family);
      const { objects, members } = diffRuleSets(known, node.desired(family));
      return [family, objects.length + members.length];
    });
    expect((await node.sync()).map(({ family, changes }) => [family, changes])).toEqual(expected);
    expect(expected.every(([, changes]) => Number(changes) > 0)).toBe(true);
    expect((await traffic.stop()).lost).toEqual([]);
    expect(await node.differences()).toEqual([]);
    expect(await serversOf(lab, stream)).toEqual(new Set(['remote-b', 'remote-d']));
  });

  test('a client with affinity goes to its endpoint again after a restart', async () => {
    const [stream] = streamsTo({ ...sticky, pods: remotePods }, ['ClusterIP']);
    if (stream === undefined) throw new Error('no stream');
    const servers = await serversOf(lab, stream);
    expect(servers.size).toBe(1);
    await node.restart();
    node.put({ ...web, pods: ['remote-d'] });
    await node.sync();
    expect(await serversOf(lab, stream)).toEqual(servers);
  });
});
