import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { OwnProcesses } from '../../src/kernel/own-processes.ts';
import type { RuleWatch } from '../../src/kernel/rule-events.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { run } from '../support/program-machine.ts';
import type { ProgramNode } from '../support/program-node.ts';
import { clusterIp } from '../support/program-objects.ts';
import { BACKEND_SETTINGS } from '../support/scenario-settings.ts';
import { emptyIpvsMachine, IPVS_VARIANT, openIpvsNode } from './ipvs-machine.ts';

const WEB = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };

const V4 = clusterIp(WEB, 'IPv4');
const V6 = clusterIp(WEB, 'IPv6');

/** What somebody does, and the families that it concerns. */
const MEDDLING: readonly (readonly [what: string, families: readonly string[], how: readonly string[]])[] = [
  ['a virtual server removed', ['IPv4'], ['ipvsadm', '-D', '-t', `${V4}:80`]],
  ['a scheduler changed', ['IPv6'], ['ipvsadm', '-E', '-t', `[${V6}]:80`, '-s', 'wrr']],
  ['all virtual servers removed', ['IPv4', 'IPv6'], ['ipvsadm', '-C']],
  ['an entry removed', ['IPv4'], ['ipset', 'del', 'KUBE-CLUSTER-IP', `${V4},tcp:80`]],
  ['a set emptied', ['IPv6'], ['ipset', 'flush', 'KUBE-6-SERVICE-NAMES']],
  ['an address removed', ['IPv6'], ['ip', 'address', 'del', `${V6}/128`, 'dev', 'kube-ipvs0']],
  ['the device removed', ['IPv4', 'IPv6'], ['ip', 'link', 'del', 'kube-ipvs0']],
  ['a chain emptied', ['IPv4'], ['iptables-legacy', '-t', 'nat', '-F', 'KUBE-SERVICES']],
];

const SOON = { timeout: 30_000, interval: 50 };

let node: ProgramNode;
let clock: FakeClock;
let told: Set<string>;
let watch: RuleWatch;

beforeEach(async () => {
  node = await openIpvsNode([WEB]);
  await node.sync();
  clock = new FakeClock();
  told = new Set();
  watch = await IPVS_VARIANT.backend.watch({
    families: IP_FAMILIES,
    runner: systemRunner,
    settings: { ...BACKEND_SETTINGS, iptablesVariant: 'legacy' },
    own: new OwnProcesses(),
    clock,
    log: silentLog,
    onForeignWrite: (family) => void told.add(family),
  });
});

afterEach(async () => {
  await watch.stop();
  await node.stop();
  await emptyIpvsMachine();
});

/** One look at the tables, and one at all else. */
async function look(): Promise<readonly string[]> {
  await expect.poll(() => clock.pendingMs.length, SOON).toBe(2);
  told.clear();
  await clock.advance(30_000);
  await expect.poll(() => clock.pendingMs.length, SOON).toBe(2);
  await settle();
  return [...told].toSorted();
}

test('what others do shows within half a minute, and what nobody does not at all', async () => {
  expect(await look()).toEqual([]);
  for (const [what, families, [file = '', ...args]] of MEDDLING) {
    await run(file, args);
    expect({ what, told: await look() }).toEqual({ what, told: families });
    expect({ what, differences: await node.differences() }).not.toEqual({ what, differences: [] });
    await node.restart();
    await node.sync();
    expect({ what, differences: await node.differences() }).toEqual({ what, differences: [] });
    await look(); // Nobody noted that this was us.
    expect({ what, told: await look() }).toEqual({ what, told: [] });
  }
});
