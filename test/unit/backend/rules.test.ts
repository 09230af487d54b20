import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RuleSet } from '../../../src/backend/rules.ts';
import { applyChange, diffRuleSets, isEmptyChange, NO_CHANGES, NO_RULES } from '../../../src/backend/rules.ts';
import { chain, container, plainRules, ruleSet, ruleSets, touchedBy } from '../../support/rule-sets.ts';

const BASE = {
  'chain x': chain(['one', 'two'], 'hook'),
  'set s': container({ a: ['1'], b: ['1', '2'], c: [] }),
  'set t': container({}),
};

describe('diffRuleSets', () => {
  test.each<[string, Parameters<typeof ruleSet>[0], readonly string[]]>([
    ['nothing differs', { ...BASE, 'chain x': chain(['one', 'two'], 'hook') }, []],
    ['a line', { ...BASE, 'chain x': chain(['one', 'three'], 'hook') }, ['chain x']],
    ['the order of lines', { ...BASE, 'chain x': chain(['two', 'one'], 'hook') }, ['chain x']],
    ['the definition of a chain', { ...BASE, 'chain x': chain(['one', 'two']) }, ['chain x']],
    [
      'the definition of a set, and with it everything',
      { ...BASE, 'set s': container({ a: ['1'] }, 'other') },
      ['set s'],
    ],
    ['a set becomes a chain', { ...BASE, 'set t': chain([], 'type t;') }, ['set t']],
    ['members', { ...BASE, 'set s': container({ b: ['1', '3'], c: [], d: ['4'] }) }, ['set s a', 'set s b', 'set s d']],
    [
      'an object more and one less',
      { 'chain x': BASE['chain x'], 'set s': BASE['set s'], 'chain a': chain([]) },
      ['chain a', 'set t'],
    ],
  ])('%s', (_name, after, want) => {
    const change = diffRuleSets(ruleSet(BASE), ruleSet(after));
    expect(touchedBy(change)).toEqual(want);
    expect(isEmptyChange(change)).toBe(want.length === 0);
  });

  test('carries both sides', () => {
    const after = ruleSet({
      ...BASE,
      'chain x': chain(['three'], 'hook'),
      'set s': container({ a: ['2'], b: ['1', '2'], c: [] }),
    });
    expect(diffRuleSets(ruleSet(BASE), after)).toEqual({
      objects: [{ id: 'chain x', before: BASE['chain x'], after: chain(['three'], 'hook') }],
      members: [{ id: 'set s', key: 'a', before: ['1'], after: ['2'] }],
    });
  });

  test('from nothing lists every object and no member', () => {
    const change = diffRuleSets(NO_RULES, ruleSet(BASE));
    expect([touchedBy(change), change.members]).toEqual([['chain x', 'set s', 'set t'], []]);
  });
});

test('the empty change is empty', () => {
  expect(isEmptyChange(NO_CHANGES)).toBe(true);
});

test('a change of members leaves chains and unknown objects alone', () => {
  const members = ['chain x', 'set none'].map((id) => ({ id, key: 'k', before: undefined, after: [] }));
  expect(plainRules(applyChange(ruleSet(BASE), { objects: [], members }))).toEqual(plainRules(ruleSet(BASE)));
});

describe('for any two rule sets', () => {
  /** `b` either on its own or grown out of `a`, so that they share structure. */
  function forAll(check: (a: RuleSet, b: RuleSet) => void): void {
    const pairs = fc.tuple(ruleSets, ruleSets, fc.boolean());
    fc.assert(
      fc.property(pairs, ([a, b, related]) => {
        check(a, related ? applyChange(a, diffRuleSets(a, b)) : b);
      }),
      { numRuns: 300 },
    );
  }

  test('the difference, applied to one, gives the other', () => {
    forAll((a, b) => expect(plainRules(applyChange(a, diffRuleSets(a, b)))).toEqual(plainRules(b)));
  });

  test('it is empty exactly when they are equal, and sorted', () => {
    forAll((a, b) => {
      const change = diffRuleSets(a, b);
      expect(isEmptyChange(change)).toBe(JSON.stringify(plainRules(a)) === JSON.stringify(plainRules(b)));
      const { objects, members } = change;
      expect(objects.map(({ id }) => id)).toEqual(objects.map(({ id }) => id).toSorted());
      const keys = members.map(({ id, key }) => `${id} ${key}`);
      expect(keys).toEqual([...new Set(keys)].sort());
    });
  });

  test('the way back is the mirror image', () => {
    forAll((a, b) => {
      const swap = <T extends { before: unknown; after: unknown }>(one: T) => ({
        ...one,
        before: one.after,
        after: one.before,
      });
      const { objects, members } = diffRuleSets(a, b);
      expect(diffRuleSets(b, a)).toEqual({ objects: objects.map(swap), members: members.map(swap) });
    });
  });
});
