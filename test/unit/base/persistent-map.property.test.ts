import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MapDraft } from '../../../src/base/persistent-map.ts';
import { diffMaps, PersistentMap } from '../../../src/base/persistent-map.ts';
import { collidingKeys, nearlyCollidingKeys } from '../../support/hash-collisions.ts';

const KEYS = [...Array.from({ length: 45 }, (_, i) => `k${i}`), ...collidingKeys(4), ...nearlyCollidingKeys(5, 16), ''];

/** `value: undefined` deletes. */
type Edit = readonly [key: string, value: number | undefined];

const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.tuple(fc.constantFrom(...KEYS), fc.option(fc.nat(3), { nil: undefined })),
  { maxLength: 60 },
);

function edit(target: Pick<MapDraft<number>, 'set' | 'delete'> | Map<string, number>, [key, value]: Edit): void {
  if (value === undefined) target.delete(key);
  else target.set(key, value);
}

function editOne(map: PersistentMap<number>, [key, value]: Edit): PersistentMap<number> {
  return value === undefined ? map.delete(key) : map.set(key, value);
}

function sorted(entries: Iterable<readonly [string, number]>): readonly (readonly [string, number])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

test('holds what a Map holds, edited one by one or in batches', () => {
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 6 }), (batches) => {
      const model = new Map<string, number>();
      let single = PersistentMap.empty<number>();
      let batched = PersistentMap.empty<number>();
      for (const batch of batches) {
        const before = batched;
        const contentBefore = sorted(before);
        for (const one of batch) {
          edit(model, one);
          single = editOne(single, one);
        }
        batched = batched.update((draft) => {
          for (const one of batch) edit(draft, one);
        });
        expect(sorted(before)).toEqual(contentBefore);
        expect(sorted(batched)).toEqual(sorted(model));
        expect([...single]).toEqual([...batched]);
        expect([single.size, batched.size]).toEqual([model.size, model.size]);
        for (const key of KEYS) expect(batched.get(key)).toBe(model.get(key));
      }
    }),
    { numRuns: 150 },
  );
});

test('iterates in an order that depends on the content alone', () => {
  fc.assert(
    fc.property(edits, edits, fc.func(fc.nat()), (history, detour, shuffle) => {
      const touched = new Set(history.map(([key]) => key));
      const away = detour.filter(([key]) => !touched.has(key));
      let lived = PersistentMap.empty<number>();
      for (const one of [...away, ...history]) lived = editOne(lived, one);
      for (const [key] of away) lived = lived.delete(key);
      const content = [...new Map(lived)];
      const rank = new Map(content.map(([key]) => [key, shuffle(key)]));
      const fresh = PersistentMap.of(content.toSorted(([a], [b]) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0)));
      expect([...fresh]).toEqual(content);
    }),
    { numRuns: 200 },
  );
});

test('diffMaps reports exactly what a comparison of all keys finds, for relatives and strangers', () => {
  fc.assert(
    fc.property(edits, edits, fc.boolean(), (history, later, related) => {
      const start = (list: readonly Edit[], from: PersistentMap<number>) =>
        from.update((draft) => {
          for (const one of list) edit(draft, one);
        });
      const before = start(history, PersistentMap.empty());
      const after = start(later, related ? before : PersistentMap.empty());
      const found = new Map<string, readonly [number | undefined, number | undefined]>();
      diffMaps(before, after, (key, was, is) => {
        expect(found.has(key)).toBe(false);
        found.set(key, [was, is]);
      });
      const expected = KEYS.filter((key) => before.get(key) !== after.get(key));
      expect([...found.keys()].sort()).toEqual(expected.toSorted());
      for (const [key, values] of found) expect(values).toEqual([before.get(key), after.get(key)]);
    }),
    { numRuns: 200 },
  );
});

test('an update without effect keeps the object, any other makes a new one', () => {
  fc.assert(
    fc.property(edits, fc.constantFrom(...KEYS), fc.option(fc.nat(3), { nil: undefined }), (history, key, value) => {
      let map = PersistentMap.empty<number>();
      for (const one of history) map = editOne(map, one);
      const after = editOne(map, [key, value]);
      expect(after === map).toBe(map.get(key) === value);
    }),
    { numRuns: 200 },
  );
});
