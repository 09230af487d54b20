import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cleanup } from '../../src/app/cleanup.ts';
import { machineRules, writeForeignRules } from '../support/program-foreign.ts';
import type { MachineRules } from '../support/program-foreign.ts';
import { KUBE_PROXY_SERVICES, writeKubeProxyChains, writeKubeProxyTables } from '../support/program-kube-proxy.ts';
import { emptyMachine, iptables, SAVES, writeKubeletRules } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const { WEB, STICKY, EDGE, EMPTY } = KUBE_PROXY_SERVICES;

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let node: ProgramNode;
  let foreign: MachineRules;

  beforeEach(async () => {
    node = new ProgramNode(variant, [WEB, STICKY, EDGE, EMPTY]);
    await writeKubeletRules(variant.iptables ?? 'nf_tables');
    await writeForeignRules();
    foreign = await machineRules();
  });

  afterEach(async () => {
    await node.stop();
    await emptyMachine();
  });

  /** What is on the machine besides what sluice wants there, in order. */
  async function othersRules(): Promise<MachineRules> {
    const { tables, ipsets, iptables: saves } = await machineRules();
    const others = Object.entries(tables).filter(([name]) => name !== 'ip sluice' && name !== 'ip6 sluice');
    const remaining = SAVES.map((save) => {
      const key = `${save.variant} ${save.family}`;
      const ours = new Set(variant.iptables === save.variant ? node.desiredChains(save.family) : []);
      return [key, saves[key]?.filter((line) => !ours.has(line))];
    });
    return { tables: Object.fromEntries(others), ipsets, iptables: Object.fromEntries(remaining) };
  }

  test('rules of others are the same after syncs, restarts and cleanup', async () => {
    await node.sync();
    expect(await node.differences()).toEqual([]);
    expect(await othersRules()).toEqual(foreign);

    node.put({ ...WEB, pods: ['pod-d'] });
    node.put({ ...EDGE, spec: { ...EDGE.spec, externalTrafficPolicy: 'Cluster' } });
    node.remove(STICKY);
    await node.sync();
    await node.restart();
    node.put({ ...EMPTY, pods: ['remote-c'], spec: { sessionAffinity: 'ClientIP' } });
    await node.sync();
    for (const service of [WEB, EDGE, EMPTY]) node.remove(service);
    await node.sync();
    expect(await node.differences()).toEqual([]);
    expect(await othersRules()).toEqual(foreign);

    const removed = await cleanup({ backend: undefined });
    expect(removed.removed.length).toBeGreaterThan(0);
    expect(await machineRules()).toEqual(foreign);
    expect(await cleanup({ backend: undefined })).toEqual({ removed: [], skipped: [] });
    expect(await machineRules()).toEqual(foreign);
  });

  test('rules of others are the same when kube-proxy’s are taken over', async () => {
    if (variant.iptables === undefined) await writeKubeProxyTables();
    else await writeKubeProxyChains(variant.iptables);
    expect(await machineRules()).not.toEqual(foreign);
    await node.sync();
    expect(await node.differences()).toEqual([]);
    expect(await othersRules()).toEqual(foreign);
    await cleanup({ backend: variant.backend.name });
    expect(await machineRules()).toEqual(foreign);
  });

  test('a rule that others put in front of ours stays there, and nothing is written', async () => {
    await node.sync();
    const front =
      '*nat\n-I PREROUTING -p tcp -m tcp --dport 7 -j DOCKER\nCOMMIT\n*filter\n-I FORWARD -p tcp -m tcp --dport 7 -j DOCKER\nCOMMIT\n';
    for (const { variant: one, family } of SAVES) await iptables(one, family, front);
    const before = await machineRules();
    await node.restart();
    expect((await node.sync()).map(({ changes }) => changes)).toEqual(IP_FAMILIES.map(() => 0));
    expect(await machineRules()).toEqual(before);
    node.put({ ...WEB, pods: ['pod-d'] });
    await node.sync();
    const now = await machineRules();
    for (const { variant: one, family } of SAVES) {
      for (const chain of ['nat -A PREROUTING', 'filter -A FORWARD']) {
        const rules = now.iptables[`${one} ${family}`]?.filter((line) => line.startsWith(`${chain} `));
        expect(rules?.[0]).toBe(`${chain} -p tcp -m tcp --dport 7 -j DOCKER`);
      }
    }
  });
});
