import { beforeEach, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { compareInSteps } from '../../../../src/backend/compare.ts';
import type { Driver } from '../../../../src/backend/contract.ts';
import { IpvsDriver } from '../../../../src/backend/ipvs/driver.ts';
import { ipvsSpelling } from '../../../../src/backend/ipvs/render.ts';
import type { ChangeSet, RuleSet } from '../../../../src/backend/rules.ts';
import { applyChange, diffRuleSets, isEmptyChange, NO_CHANGES, NO_RULES } from '../../../../src/backend/rules.ts';
import { atOnce } from '../../../../src/base/steps.ts';
import type { Target } from '../../../../src/compiler/plan.ts';
import { OwnProcesses } from '../../../../src/kernel/own-processes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeIpvs } from '../../../support/fake-ipvs.ts';
import { ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

const SETTINGS = { masqueradeBit: 14, conntrackBeLiberal: false };
const NODE = nodePlan('IPv4', { interfaceAddresses: [ip('172.18.0.2')] });

const A = target('10.244.1.1', 8080, true);
const B = target('10.244.2.1', 8080);

/** Of a Service with a short cut past policy Local. */
function rulesFor(targets: readonly Target[]): RuleSet {
  const loadBalancerIps = [ip('192.0.2.7')];
  const parts = sketch('IPv4', { targets, loadBalancerIps, externalTrafficPolicy: 'Local' });
  return assemble(ipvsSpelling(SETTINGS), planOf('IPv4', [servicePlan(parts, NODE)], NODE)).rules;
}

const RULES = rulesFor([A, B]);
const FEWER = rulesFor([A]);

const WEB = '-t 10.96.0.1:80';

let fake: FakeIpvs;
let clock: FakeClock;
let driver: Driver;

/** As the applier does it: what differs is believed, then put right. */
async function repair(): Promise<ChangeSet> {
  const seen = await driver.inspect();
  const drift = atOnce(compareInSteps(RULES, seen.rules));
  seen.accept(drift);
  await driver.apply(diffRuleSets(applyChange(RULES, drift), RULES), RULES);
  return drift;
}

const batch = (tool: string, args: string, ...lines: readonly string[]): Promise<unknown> =>
  fake.run(tool, args.split(' '), { input: `${lines.join('\n')}\n` });
const marks = (): readonly string[] => [...fake.servers.keys()].filter((key) => key.startsWith('-f '));

beforeEach(async () => {
  fake = new FakeIpvs();
  clock = new FakeClock();
  driver = new IpvsDriver({ family: 'IPv4', runner: fake, settings: SETTINGS, clock });
  await driver.apply(diffRuleSets(await driver.read(), RULES), RULES);
});

test('finds nothing where nobody did anything, and changes nothing', async () => {
  fake.takeCalls();
  const { rules: seen } = await driver.inspect();
  expect(isEmptyChange(diffRuleSets(seen, RULES))).toBe(true);
  expect(fake.takeCalls()).toEqual([]);
});

test.each<[string, () => Promise<unknown> | void]>([
  ['a destination removed', () => batch('ipvsadm', '--restore', `-d ${WEB} -r 10.244.2.1:8080`)],
  ['a destination that gets nothing', () => batch('ipvsadm', '--restore', `-e ${WEB} -r 10.244.2.1:8080 -m -w 0`)],
  ['a scheduler changed', () => batch('ipvsadm', '--restore', `-E ${WEB} -s wlc`)],
  ['a virtual server removed', () => batch('ipvsadm', '--restore', `-D ${WEB}`)],
  ['all virtual servers removed', () => fake.servers.clear()],
  ['a short cut removed', () => batch('ipvsadm', '--restore', ...marks().map((key) => `-D ${key}`))],
  ['an entry removed', () => batch('ipset', 'restore', 'del KUBE-CLUSTER-IP 10.96.0.1,tcp:80')],
  ['a trace removed', () => batch('ipset', 'restore', 'flush KUBE-SERVICE-NAMES')],
  ['a mark removed', () => batch('ipset', 'restore', 'flush KUBE-SHORT-CUT')],
  ['an address removed', () => batch('ip', '-batch -', 'address del 10.96.0.1/32 dev kube-ipvs0')],
  ['the device removed', () => batch('ip', '-batch -', 'link del kube-ipvs0')],
  [
    'a chain emptied',
    () => batch('iptables-nft-restore', '-w 5 --noflush', '*nat', ':KUBE-SERVICES - [0:0]', 'COMMIT'),
  ],
])('finds what others did, and it is put right: %s', async (_what, meddle) => {
  await meddle();
  expect(isEmptyChange(await repair())).toBe(false);
  expect(isEmptyChange(diffRuleSets(await driver.read(), RULES))).toBe(true);
});

test('leaves alone what is known of destinations that are leaving', async () => {
  fake.connections.set(`${WEB} 10.244.2.1:8080`, 1);
  await driver.apply(diffRuleSets(RULES, FEWER), FEWER);
  const seen = await driver.inspect();
  expect(isEmptyChange(diffRuleSets(seen.rules, FEWER))).toBe(true);
  seen.accept(NO_CHANGES);
  fake.connections.clear();
  await clock.advance(10_000);
  expect([...(fake.servers.get(WEB)?.destinations.keys() ?? [])]).toEqual(['10.244.1.1:8080']);
});

test('notes the processes that write', async () => {
  const own = new OwnProcesses();
  const noting: Driver = new IpvsDriver({ family: 'IPv4', runner: fake, settings: SETTINGS, clock, own });
  await noting.read();
  expect(own.started).toBe(0);
  fake.takeCalls();
  await noting.apply(diffRuleSets(RULES, NO_RULES), NO_RULES);
  expect(own.started).toBe(fake.takeCalls().length);
  expect(own.started).toBeGreaterThan(3);
});
