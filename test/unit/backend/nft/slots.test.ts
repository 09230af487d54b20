import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SlotChange, Slots } from '../../../../src/backend/nft/slots.ts';
import { MISSING_SLOT, reassignSlots } from '../../../../src/backend/nft/slots.ts';

/** Slots as one letter each, `.` for a missing one; operations as `-2c +2d`. */
function reassign(before: string, wanted: string): [slots: string, operations: string] {
  const { slots, removed, added } = reassignSlots(
    before.split('').map((letter) => (letter === '.' ? MISSING_SLOT : letter)),
    wanted.split(''),
  );
  const spell = (sign: string, list: SlotChange['added']): string[] =>
    list.map(({ index, endpoint }) => `${sign}${index}${endpoint}`);
  return [slots.join(''), [...spell('-', removed), ...spell('+', added)].join(' ')];
}

test.each([
  ['nothing to nothing', '', '', '', ''],
  ['the first endpoints', '', 'abc', 'abc', '+0a +1b +2c'],
  ['no change, whatever the order wanted', 'bca', 'abc', 'bca', ''],
  ['one more', 'bca', 'abcd', 'bcad', '+3d'],
  ['the last one less', 'bca', 'bc', 'bc', '-2a'],
  ['another one less: the last moves', 'bca', 'ab', 'ba', '-1c -2a +1a'],
  ['one for another', 'bca', 'abd', 'bda', '-1c +1d'],
  ['all for others', 'abc', 'def', 'def', '-0a -1b -2c +0d +1e +2f'],
  ['two less', 'abcd', 'cd', 'dc', '-0a -1b -2c -3d +0d +1c'],
  ['all go', 'ab', '', '', '-0a -1b'],
  ['a hole is filled by a new one', 'a.c', 'abc', 'abc', '+1b'],
  ['a hole is filled from the end', 'a.c', 'ac', 'ac', '-2c +1c'],
  ['a hole at the end', 'ab.', 'ab', 'ab', ''],
  ['an endpoint that is there twice', 'aba', 'ab', 'ab', '-2a'],
])('%s: %s to %s', (_name, before, wanted, slots, operations) => {
  expect(reassign(before, wanted)).toEqual([slots, operations]);
});

describe('for any pool', () => {
  const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  /** What our own hand leaves: every slot filled, no endpoint twice. */
  const clean: fc.Arbitrary<Slots> = fc.shuffledSubarray(letters);
  /** What another hand may leave. */
  const anything: fc.Arbitrary<Slots> = fc.array(fc.constantFrom(...letters, MISSING_SLOT), { maxLength: 8 });

  function forAll(start: fc.Arbitrary<Slots>, check: (before: Slots, wanted: readonly string[]) => void): void {
    fc.assert(
      fc.property(start, fc.subarray(letters), (before, wanted) => {
        check(before, wanted);
      }),
      { numRuns: 300 },
    );
  }

  test('the slots are the wanted endpoints, none missing, none twice', () => {
    forAll(anything, (before, wanted) => {
      expect(reassignSlots(before, wanted).slots.toSorted()).toEqual(wanted);
    });
  });

  test('the operations lead from one to the other', () => {
    forAll(anything, (before, wanted) => {
      const { slots, removed, added } = reassignSlots(before, wanted);
      const kernel = new Map([...before.entries()].filter(([, endpoint]) => endpoint !== MISSING_SLOT));
      for (const { index, endpoint } of removed) {
        expect(kernel.get(index)).toBe(endpoint);
        kernel.delete(index);
      }
      for (const { index, endpoint } of added) {
        expect(kernel.has(index)).toBe(false);
        kernel.set(index, endpoint);
      }
      expect([...kernel].sort(([a], [b]) => a - b)).toEqual([...slots.entries()]);
    });
  });

  test('an endpoint moves only to fill a place that another left', () => {
    forAll(clean, (before, wanted) => {
      const { slots, added } = reassignSlots(before, wanted);
      const leaving = before.filter((endpoint) => !wanted.includes(endpoint)).length;
      const coming = wanted.filter((endpoint) => !before.includes(endpoint)).length;
      const moved = slots.filter((endpoint, i) => before.includes(endpoint) && before[i] !== endpoint).length;
      expect(moved).toBeLessThanOrEqual(Math.max(0, leaving - coming));
      expect(added).toHaveLength(coming + moved);
    });
  });

  test('what was assigned once stays', () => {
    forAll(anything, (before, wanted) => {
      const { slots } = reassignSlots(before, wanted);
      expect(reassignSlots(slots, wanted)).toEqual({ slots, removed: [], added: [] });
    });
  });
});
