import { describe, expect, test } from 'vitest';
import { Quarantine } from '../../../src/applier/quarantine.ts';
import type { ServicePlan } from '../../../src/compiler/plan.ts';
import { nodePlan, planOf, servicePlan, sketch } from '../../support/plans.ts';

function service(name: string): ServicePlan {
  return servicePlan(sketch('IPv4', { name }), nodePlan('IPv4'));
}

const [a, newA, b] = [service('a'), service('a'), service('b')];

describe('a plan that passes', () => {
  test.each<
    [string, ServicePlan | undefined, ServicePlan | undefined, readonly ServicePlan[], readonly ServicePlan[], boolean]
  >([
    ['a refused change is undone', newA, a, [newA, b], [a, b], true],
    ['a refused newcomer is left out', a, undefined, [a, b], [b], true],
    ['a refused removal is undone', undefined, a, [b], [a, b], true],
    ['a changed plan is let through', a, undefined, [newA, b], [newA, b], false],
    ['a removed Service is let go', a, undefined, [b], [b], false],
    ['a removed Service that came back is let through', undefined, a, [newA, b], [newA, b], false],
  ])('%s', (_name, refused, kept, given, want, stays) => {
    const quarantine = new Quarantine();
    quarantine.add(a.key, { refused, kept });
    const filtered = quarantine.filter(planOf('IPv4', given));
    const list = [...filtered.services.values()].sort((x, y) => (x.key < y.key ? -1 : 1));
    expect(list.map((one, i) => one === want[i])).toEqual(want.map(() => true));
    expect(quarantine.keys).toEqual(stays ? [a.key] : []);
  });

  test('is the same object when nobody is held', () => {
    const quarantine = new Quarantine();
    const plan = planOf('IPv4', [a, b]);
    expect(quarantine.filter(plan)).toBe(plan);
    quarantine.add(b.key, { refused: b, kept: undefined });
    quarantine.clear();
    expect([quarantine.filter(plan), quarantine.keys]).toEqual([plan, []]);
  });

  test('keys are sorted', () => {
    const quarantine = new Quarantine();
    for (const one of [b, a]) quarantine.add(one.key, { refused: one, kept: undefined });
    expect(quarantine.keys).toEqual([a.key, b.key]);
  });
});
