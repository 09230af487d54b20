import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SlotChange, Slots } from '../../../../src/backend/nft/slots.ts';
import { isUsable, MISSING_SLOT, reassignSlots, slotCount } from '../../../../src/backend/nft/slots.ts';

function change(slots: Slots, wanted: readonly string[]): SlotChange {
  return reassignSlots(slots, slots.toSorted(), wanted);
}

/** Slots as one letter each, `.` for a missing one; operations as `-2c +2d`. */
function reassign(before: string, wanted: string): [slots: string, operations: string] {
  const letters = before.split('').map((letter) => (letter === '.' ? MISSING_SLOT : letter));
  const { slots, removed, added } = change(letters, wanted.split(''));
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
      expect(change(before, wanted).slots.toSorted()).toEqual(wanted);
    });
  });

  test('the operations lead from one to the other', () => {
    forAll(anything, (before, wanted) => {
      const { slots, removed, added } = change(before, wanted);
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
      const { slots, added } = change(before, wanted);
      const leaving = before.filter((endpoint) => !wanted.includes(endpoint)).length;
      const coming = wanted.filter((endpoint) => !before.includes(endpoint)).length;
      const moved = slots.filter((endpoint, i) => before.includes(endpoint) && before[i] !== endpoint).length;
      expect(moved).toBeLessThanOrEqual(Math.max(0, leaving - coming));
      expect(added).toHaveLength(coming + moved);
    });
  });

  test('what was assigned once stays', () => {
    forAll(anything, (before, wanted) => {
      const { slots } = change(before, wanted);
      expect(change(slots, wanted)).toEqual({ slots, count: wanted.length, removed: [], added: [] });
    });
  });
});

describe('a large pool', () => {
  const endpoints = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, i) => `e${String(i).padStart(5, '0')}`);

  test('has a few slots more than endpoints, and so many for a while', () => {
    expect([0, 1, 32, 33, 34, 35, 64, 65, 100, 5000, 5120, 5121].map(slotCount)).toEqual([
      0, 1, 32, 34, 34, 36, 64, 68, 100, 5120, 5120, 5376,
    ]);
  });

  test('loses an endpoint and gets one at the price of an element each', () => {
    const all = endpoints(5000);
    const less = all.filter((_, i) => i !== 1234);
    const first = change(all, less);
    expect(first).toMatchObject({ count: 5120, removed: [{ index: 1234, endpoint: 'e01234' }], added: [] });
    const second = reassignSlots(first.slots, less, [...less, 'x']);
    expect(second).toMatchObject({ removed: [], added: [{ index: 1234, endpoint: 'x' }] });
    expect(isUsable(first.slots) && isUsable(second.slots)).toBe(true);
  });

  test('always has something in its first slot', () => {
    const all = endpoints(40);
    const { slots, removed, added } = change(all, all.slice(1));
    expect([removed, added].map((list) => list.map(({ index }) => index))).toEqual([[0, 39], [0]]);
    expect([slots[0], slots.length, isUsable(slots)]).toEqual(['e00039', 39, true]);
  });

  test('becomes dense where its slots would be too many', () => {
    const all = endpoints(100);
    const wanted = all.filter((_, i) => i % 2 === 0);
    const { slots, count } = change(all, wanted);
    expect([count, slots.length, slots.toSorted()]).toEqual([50, 50, wanted]);
  });

  test('ends usable, with the wanted endpoints, whatever happens to it', () => {
    const many = endpoints(90);
    fc.assert(
      fc.property(fc.array(fc.subarray([...many]), { maxLength: 6 }), (states) => {
        let slots: Slots = [];
        let before: readonly string[] = [];
        for (const wanted of states) {
          ({ slots } = reassignSlots(slots, before, wanted));
          expect(slots.filter((endpoint) => endpoint !== MISSING_SLOT).toSorted()).toEqual(wanted);
          expect(isUsable(slots)).toBe(true);
          before = wanted;
        }
      }),
      { numRuns: 100 },
    );
  });
});

test.each<[string, Slots, boolean]>([
  ['all full', ['a', 'b', 'c'], true],
  ['an empty one among few', ['a', '', 'c'], false],
  ['no first one', ['', 'a'], false],
  ['nothing at all', [], true],
])('usable: %s', (_name, slots, usable) => {
  expect(isUsable(slots)).toBe(usable);
});
