import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { emptyMachine, forgetUdpSoon } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import { TOPOLOGY } from '../support/program-objects.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';
import { RefusingNft } from '../support/refusing-nft.ts';

const BEFORE = ['pod-d', 'remote-a'];
const STICKY = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } };

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
});

afterEach(() => emptyMachine());

afterAll(() => lab.close());

test.each([{}, STICKY])(
  'a Service that is refused after a restart keeps what it had, the others change: %j',
  async (spec) => {
    const variant = PROGRAM_VARIANTS.find(({ backend }) => backend.name === 'nft');
    if (variant === undefined) throw new Error('there is no nft');
    const culprit = { name: 'culprit', id: 10, pods: BEFORE, spec };
    const other = { name: 'other', id: 11, pods: BEFORE };
    const node = new ProgramNode(variant, [culprit, other]);
    await node.sync();
    await node.restart();

    const pod = TOPOLOGY.pods.find(({ name }) => name === 'remote-b');
    if (pod === undefined) throw new Error('there is no remote-b');
    using _ = await RefusingNft.create(...IP_FAMILIES.map((family) => pod.addresses[family]));
    const outside = streamsTo(culprit).filter(({ from }) => from === 'outside');
    const traffic = await Traffic.start(lab, outside);
    node.put({ ...culprit, pods: ['pod-d', 'remote-b'] });
    node.put({ ...other, pods: ['remote-c'] });
    await expect(node.sync()).rejects.toThrow('refused');
    node.put({ ...other, pods: ['remote-a'] });
    await node.sync();
    expect((await traffic.stop()).lost).toEqual([]);
    for (const stream of streamsTo(other)) expect(await serversOf(lab, stream, 4)).toEqual(new Set(['remote-a']));
    if (spec !== STICKY) {
      for (const stream of outside) expect(await serversOf(lab, stream, 40)).toEqual(new Set(BEFORE));
    }

    node.put({ ...culprit, pods: ['remote-c'] });
    await node.sync();
    expect(await node.differences()).toEqual([]);
    // Nobody cuts UDP flows here.
    const tcp = outside.filter(({ protocol }) => protocol === 'tcp');
    for (const stream of tcp) expect(await serversOf(lab, stream, 4)).toEqual(new Set(['remote-c']));
    await node.stop();
  },
);
