import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Assembly, Spelling } from '../../../src/backend/assembly.ts';
import { assemble } from '../../../src/backend/assembly.ts';
import { BACKENDS } from '../../../src/backend/registry.ts';
import { diffRuleSets } from '../../../src/backend/rules.ts';
import { diffMaps } from '../../../src/base/persistent-map.ts';
import { planHistories } from '../../support/plan-histories.ts';
import { plainRules, touchedBy } from '../../support/rule-sets.ts';
import { BACKEND_SETTINGS } from '../../support/scenario-settings.ts';

/** A spelling that says whom it spelled. */
function countingSpelling(original: Spelling): { readonly spelling: Spelling; readonly spelled: string[] } {
  const spelled: string[] = [];
  const service: Spelling['service'] = (plan, all) => {
    spelled.push(plan.key);
    return original.service(plan, all);
  };
  return { spelling: { ...original, service }, spelled };
}

function content(assembly: Assembly) {
  return {
    rules: plainRules(assembly.rules),
    parts: [...assembly.parts].map(([id, pieces]) => [id, [...pieces]]),
    shares: [...assembly.shares],
    permanent: [...assembly.permanent],
  };
}

describe.each(BACKENDS)('$name', (backend) => {
  const backendSpelling = backend.spelling(BACKEND_SETTINGS);

  test('what was assembled before changes nothing but the cost', () => {
    fc.assert(
      fc.property(planHistories, ({ plans }) => {
        let previous: Assembly | undefined;
        for (const plan of plans) {
          previous = assemble(backendSpelling, plan, previous);
          expect(content(previous)).toEqual(content(assemble(backendSpelling, plan)));
        }
      }),
      { numRuns: 100 },
    );
  });

  test('only Services that changed are spelled again, and all when the node changed', () => {
    fc.assert(
      fc.property(planHistories, ({ plans }) => {
        const { spelling, spelled } = countingSpelling(backendSpelling);
        let previous: Assembly | undefined;
        for (const plan of plans) {
          const expected: string[] = [];
          if (previous?.plan.node === plan.node) {
            diffMaps(previous.plan.services, plan.services, (key, before, after) => {
              expected.push(...[before, after].flatMap((service) => (service === undefined ? [] : [key])));
            });
          } else {
            expected.push(...plan.services.keys());
          }
          previous = assemble(spelling, plan, previous);
          expect(spelled.splice(0).sort()).toEqual(expected.sort());
        }
      }),
      { numRuns: 100 },
    );
  });

  test('a Service that changes touches its own pieces and no others', () => {
    fc.assert(
      fc.property(planHistories, ({ plans }) => {
        for (const [i, plan] of plans.entries()) {
          const before = plans[i - 1];
          if (before?.node !== plan.node) continue;
          const allowed = new Set<string>();
          diffMaps(before.services, plan.services, (_key, old, now) => {
            for (const [service, all] of [[old, before] as const, [now, plan] as const]) {
              if (service === undefined) continue;
              for (const { object, key } of backendSpelling.service(service, all))
                allowed.add(object).add(`${object} ${key}`);
            }
          });
          const first = assemble(backendSpelling, before);
          const change = diffRuleSets(first.rules, assemble(backendSpelling, plan, first).rules);
          expect(touchedBy(change).filter((id) => !allowed.has(id))).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
