import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RuleTally } from '../../../src/app/rule-tally.ts';
import { chain, ruleSet, ruleSets } from '../../support/rule-sets.ts';

const firstWord = (id: string): string => id.split(' ')[0] ?? '';

test('counts rules per table, and those of chains that the last sync wrote', () => {
  const tally = new RuleTally(firstWord);
  const first = ruleSet({ 'nat A': chain(['1', '2']), 'nat B': chain(['3']), 'filter C': chain(['4']) });
  expect(Object.fromEntries(tally.update(first))).toEqual({
    nat: { total: 3, last: 3 },
    filter: { total: 1, last: 1 },
  });
  const second = first.set('nat A', chain(['1', '2', '5'])).delete('filter C');
  expect(Object.fromEntries(tally.update(second))).toEqual({
    nat: { total: 4, last: 3 },
    filter: { total: 0, last: 0 },
  });
  const third = second.set('nat B', chain(['3']));
  expect(Object.fromEntries(tally.update(third))).toMatchObject({ nat: { total: 4, last: 0 } });
});

test('totals kept over any history are those of counting anew', () => {
  const totals = (tally: RuleTally, rules: Parameters<RuleTally['update']>[0]): Readonly<Record<string, number>> =>
    Object.fromEntries(
      [...tally.update(rules)].flatMap(([table, { total }]) => (total === 0 ? [] : [[table, total] as const])),
    );
  fc.assert(
    fc.property(fc.array(ruleSets, { maxLength: 5 }), (history) => {
      const kept = new RuleTally(firstWord);
      for (const rules of history) expect(totals(kept, rules)).toEqual(totals(new RuleTally(firstWord), rules));
    }),
  );
});
