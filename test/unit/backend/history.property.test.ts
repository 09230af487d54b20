import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/backend/assembly.ts';
import type { Backend } from '../../../src/backend/contract.ts';
import { nodePortAddresses } from '../../../src/backend/ipvs/destinations.ts';
import { BACKENDS } from '../../../src/backend/registry.ts';
import type { RuleSet } from '../../../src/backend/rules.ts';
import { applyChange, diffRuleSets } from '../../../src/backend/rules.ts';
import type { Plan } from '../../../src/compiler/plan.ts';
import { socketAddress } from '../../../src/model/address.ts';
import type { OpenDriver } from '../../support/fake-kernels.ts';
import { fakeKernelFor } from '../../support/fake-kernels.ts';
import { planHistories } from '../../support/plan-histories.ts';
import { plainRules } from '../../support/rule-sets.ts';
import { BACKEND_SETTINGS } from '../../support/scenario-settings.ts';

const KINDS = {
  'cluster-ip': 'ClusterIP',
  'external-ip': 'ExternalIP',
  'load-balancer': 'LoadBalancer',
  'node-port': 'NodePort',
} as const;

/** `*:30080 tcp NodePort default/web:http`, of every destination. */
function destinationsIn({ services, node }: Plan, backend: Backend): readonly string[] {
  // Rules that name the node's addresses serve no NodePort where there are none.
  const servesNodePorts = backend.namesInterfaceAddresses !== true || nodePortAddresses(node).length > 0;
  return [...services.values()]
    .flatMap(({ frontends, protocol, name }) =>
      frontends.flatMap((one) => {
        if (one.kind === 'node-port' && !servesNodePorts) return [];
        const destination = one.kind === 'node-port' ? `*:${one.port}` : socketAddress(one.address, one.port);
        return [`${destination} ${protocol} ${KINDS[one.kind]} ${name}`];
      }),
    )
    .toSorted();
}

describe.each(BACKENDS)('any history of plans, $name', (backend) => {
  const spelling = backend.spelling(BACKEND_SETTINGS);
  const rulesOf = (plan: Plan): RuleSet => assemble(spelling, plan).rules;

  test('each change leads to what is desired, and the kernel says so to whoever asks', async () => {
    await fc.assert(
      fc.asyncProperty(planHistories, async ({ family, plans }) => {
        const open = fakeKernelFor(backend);
        const driver = open(family);
        let known = await driver.read();
        for (const desired of plans.map(rulesOf)) {
          const change = diffRuleSets(known, desired);
          await driver.apply(change, desired);
          expect(plainRules(applyChange(known, change))).toEqual(plainRules(desired));
          expect(plainRules(await open(family).read())).toEqual(plainRules(desired));
          known = desired;
        }
      }),
      { numRuns: 60 },
    );
  });

  test('in any order, and with any restarts between, it ends as if there had been the last plan only', async () => {
    const shuffled = planHistories.chain(({ family, plans }) =>
      fc.record({
        family: fc.constant(family),
        last: fc.constant(plans.at(-1)),
        before: fc.shuffledSubarray(plans.slice(0, -1)),
        restarts: fc.infiniteStream(fc.boolean()),
      }),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, async ({ family, before, last, restarts }) => {
        if (last === undefined) return;
        const open = fakeKernelFor(backend);
        let driver = open(family);
        let known = await driver.read();
        for (const plan of [...before, last]) {
          if (restarts.next().value === true) {
            await driver.close();
            driver = open(family);
            known = await driver.read();
          }
          const desired = rulesOf(plan);
          await driver.apply(diffRuleSets(known, desired), desired);
          known = desired;
        }
        expect(plainRules(await open(family).read())).toEqual(await fromScratch(fakeKernelFor(backend), last));
      }),
      { numRuns: 60 },
    );
  });

  async function fromScratch(open: OpenDriver, plan: Plan): Promise<unknown> {
    const driver = open(plan.family);
    const desired = rulesOf(plan);
    await driver.apply(diffRuleSets(await driver.read(), desired), desired);
    return plainRules(await driver.read());
  }

  test('the summary names every destination of every Service, and nothing else', () => {
    fc.assert(
      fc.property(planHistories, ({ plans }) => {
        for (const plan of plans.slice(-1)) {
          const told = backend
            .summarize(rulesOf(plan))
            .map(({ destination, protocol, kind, service }) => `${destination} ${protocol} ${kind} ${service}`);
          expect(told.toSorted()).toEqual(destinationsIn(plan, backend));
        }
      }),
    );
  });
});
