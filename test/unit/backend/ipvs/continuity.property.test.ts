import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { ipvsBackend } from '../../../../src/backend/ipvs/backend.ts';
import type { SetName } from '../../../../src/backend/ipvs/names.ts';
import { parseServerKey, setKey, setName } from '../../../../src/backend/ipvs/names.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import type { Plan } from '../../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import { socketAddress } from '../../../../src/model/address.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeIpvs } from '../../../support/fake-ipvs.ts';
import { planHistories } from '../../../support/plan-histories.ts';
import { plainRules } from '../../../support/rule-sets.ts';
import { BACKEND_SETTINGS } from '../../../support/scenario-settings.ts';

const spelling = ipvsBackend.spelling(BACKEND_SETTINGS);
const rulesOf = (plan: Plan): RuleSet => assemble(spelling, plan).rules;

function open(runner: FakeIpvs, family: IpFamily) {
  return ipvsBackend.openDriver({ family, runner, settings: BACKEND_SETTINGS, clock: new FakeClock() });
}

/** The destinations of a virtual server that get new connections. */
function targetsOf(fake: FakeIpvs, native: string): readonly string[] {
  const all = [...(fake.servers.get(native)?.destinations ?? [])];
  return all.filter(([, options]) => !options.endsWith('-w 0')).map(([address]) => address);
}

/** The destinations where a packet of a new connection finds an endpoint wherever it comes from, and gets an answer. */
function served(fake: FakeIpvs, { family, local }: { readonly family: IpFamily; readonly local: ReadonlySet<string> }) {
  const entry = (set: SetName, key: string) => fake.sets.get(setName(family, set))?.entries.get(key);
  const found = [...fake.servers.keys()].filter((native) => {
    const server = parseServerKey(native);
    if (server === undefined || 'mark' in server) return false;
    const { protocol, address, port } = server;
    const key = setKey(protocol, address, port);
    const direct = targetsOf(fake, native);
    const has = (set: SetName): boolean => entry(set, key) !== undefined;
    const isMasqueraded = has('externalIp') || (has('loadBalancer') && !has('loadBalancerLocal'));
    const keepsSource =
      (!isMasqueraded && (has('externalIpLocal') || has('loadBalancerLocal'))) ||
      entry(NODE_PORT_SETS[protocol], protocol === 'sctp' ? key : String(port)) !== undefined;
    if (has('drop') || has('dropOutside')) return false;
    // From elsewhere an answer would go past this node.
    if (keepsSource && direct.some((one) => !local.has(one))) return false;
    const mark = / skbmark (0x[0-9a-f]+)$/.exec(entry('shortCut', key) ?? '')?.[1];
    const marked = `-f ${Number(mark)}${family === 'IPv6' ? ' -6' : ''}`;
    // What has a mark without a virtual server goes by its address.
    const inner = mark === undefined || !fake.servers.has(marked) ? direct : targetsOf(fake, marked);
    return direct.length > 0 && inner.length > 0;
  });
  return new Set(found);
}

const NODE_PORT_SETS = { tcp: 'nodePortLocalTcp', udp: 'nodePortLocalUdp', sctp: 'nodePortLocalSctp' } as const;

/** The endpoints on this node, before or after. */
function localIn(plans: readonly (Plan | undefined)[]): ReadonlySet<string> {
  const services = plans.flatMap((plan) => [...(plan?.services.values() ?? [])]);
  const targets = services.flatMap(({ pools }) => [...pools.cluster, ...pools.local]);
  return new Set(targets.flatMap(({ address, port, local }) => (local ? [socketAddress(address, port)] : [])));
}

/** What must go on being served while one becomes the other. */
function lostMeanwhile(moments: readonly ReadonlySet<string>[]): readonly string[] {
  const [before = new Set<string>(), after = new Set<string>()] = [moments[0], moments.at(-1)];
  const lasting = before.intersection(after);
  return moments.flatMap((now, i) => [...lasting.difference(now)].map((key) => `${key} at line ${i}`));
}

describe('what others see of IPVS while it is written', () => {
  test('a destination that is served before and after is served at every moment, with restarts and without', async () => {
    const cases = fc.record({ history: planHistories, restarts: fc.infiniteStream(fc.boolean()) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ history: { family, plans }, restarts }) => {
        const fake = new FakeIpvs();
        let driver = open(fake, family);
        let known = await driver.read();
        for (const [i, plan] of plans.entries()) {
          const desired = rulesOf(plan);
          // Connections everywhere, so that all that may leave gracefully does.
          for (const [native, { destinations }] of fake.servers) {
            for (const address of destinations.keys()) fake.connections.set(`${native} ${address}`, 1);
          }
          if (restarts.next().value === true) {
            driver = open(fake, family);
            known = await driver.read();
          }
          const look = () => served(fake, { family, local: localIn([plans[i - 1], plan]) });
          const moments = [look()];
          fake.onLine = () => void moments.push(look());
          await driver.apply(diffRuleSets(known, desired), desired);
          expect(lostMeanwhile(moments)).toEqual([]);
          known = desired;
        }
      }),
      { numRuns: 60 },
    );
  });

  test('wherever it broke off, the next process ends where it should, and leaves nothing behind when it is removed', async () => {
    const cases = fc.record({ history: planHistories, breaks: fc.infiniteStream(fc.nat(60)) });
    await fc.assert(
      fc.asyncProperty(cases, async ({ history: { family, plans }, breaks }) => {
        const fake = new FakeIpvs();
        for (const desired of plans.map(rulesOf)) {
          const victim = open(fake, family);
          const change = diffRuleSets(await victim.read(), desired);
          fake.linesLeft = breaks.next().value ?? 0;
          await victim.apply(change, desired).catch(() => undefined);
          fake.linesLeft = Infinity;
          // Half of what was to be is there: whoever comes next may want something else.
        }
        const last = plans.map(rulesOf).at(-1) ?? NO_RULES;
        const driver = open(fake, family);
        await driver.apply(diffRuleSets(await driver.read(), last), last);
        expect(plainRules(await open(fake, family).read())).toEqual(plainRules(last));
        await ipvsBackend.cleanup(fake);
        expect([...fake.servers.keys(), ...fake.sets.keys()]).toEqual([]);
        expect(fake.addresses).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });
});
