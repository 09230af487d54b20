import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { poolLines } from '../../../../src/backend/nft/pool-lines.ts';
import type { Target } from '../../../../src/compiler/plan.ts';
import { target } from '../../../support/plans.ts';

const TARGETS: readonly Target[] = Array.from({ length: 250 }, (_, i) => target(`10.244.1.${i + 1}`, 8080)).sort(
  (a, b) => (`${a.address}:${a.port}` < `${b.address}:${b.port}` ? -1 : 1),
);

function spelled(targets: readonly Target[]): readonly string[] {
  return targets.map(({ address, port }) => `${address} . ${port}`).sort();
}

test('are the sorted endpoints, whatever they are made from', () => {
  const some = fc.integer({ min: 2, max: 120 }).chain((every) =>
    fc.record({
      every: fc.constant(every),
      offset: fc.integer({ min: 0, max: every - 1 }),
      from: fc.integer({ min: 0, max: 20 }),
      copied: fc.boolean(),
    }),
  );
  fc.assert(
    fc.property(fc.array(some, { maxLength: 8 }), (states) => {
      let previous: readonly Target[] | undefined;
      for (const { every, offset, from, copied } of states) {
        const left = TARGETS.filter((_, i) => i >= from && i % every !== offset);
        const targets = left.map((one) => (copied ? { ...one } : one));
        expect(poolLines(targets, previous)).toEqual(spelled(targets));
        previous = targets;
      }
    }),
    { numRuns: 100 },
  );
});

test('of the same large pool are the same list', () => {
  expect(poolLines(TARGETS)).toBe(poolLines(TARGETS, TARGETS.slice(1)));
});
