import { describe, expect, test } from 'vitest';
import { diffMaps, PersistentMap } from '../../../src/base/persistent-map.ts';
import { collidingKeys, nearlyCollidingKeys } from '../../support/hash-collisions.ts';

type Difference = [key: string, before: number | undefined, after: number | undefined];

function differences(before: PersistentMap<number>, after: PersistentMap<number>): Difference[] {
  const seen: Difference[] = [];
  diffMaps(before, after, (...difference) => seen.push(difference));
  return seen.sort(([a], [b]) => (a < b ? -1 : 1));
}

const TENS = PersistentMap.of(Array.from({ length: 10 }, (_, i) => [`k${i}`, 10 * i] as const));

describe('reading and changing', () => {
  test('the empty map has nothing and is one object', () => {
    const empty = PersistentMap.empty<number>();
    expect([empty.size, [...empty], empty.get('a'), empty.has('a')]).toEqual([0, [], undefined, false]);
    expect(PersistentMap.of<number>([])).toBe(empty);
    expect(empty.set('a', 1).delete('a')).toBe(empty);
  });

  test('a change gives a new map and leaves the old one as it was', () => {
    const more = TENS.set('k3', -1).set('new', 5).delete('k0');
    expect([more.size, more.get('k3'), more.get('new'), more.get('k0')]).toEqual([10, -1, 5, undefined]);
    expect([TENS.size, TENS.get('k3'), TENS.get('new'), TENS.get('k0')]).toEqual([10, 30, undefined, 0]);
  });

  test('a map that was derived in one update cannot be changed through its draft by a later one', () => {
    const first = TENS.update((draft) => draft.set('x', 1));
    const second = first.update((draft) => {
      draft.set('x', 2);
      draft.delete('k5');
    });
    expect([first.get('x'), first.get('k5'), second.get('x'), second.get('k5')]).toEqual([1, 50, 2, undefined]);
  });

  test.each<[string, (map: PersistentMap<number>) => PersistentMap<number>]>([
    ['set to the value that is there', (map) => map.set('k1', 10)],
    ['delete of what is not there', (map) => map.delete('nothing')],
    ['update that does nothing', (map) => map.update(() => undefined)],
    ['update that only reads', (map) => map.update((draft) => void draft.get('k1'))],
  ])('%s gives the same object', (_name, change) => {
    expect(change(TENS)).toBe(TENS);
  });

  test('a draft reads what it wrote', () => {
    const seen: (number | undefined)[] = [];
    TENS.update((draft) => {
      seen.push(draft.get('k2'));
      draft.set('k2', 1);
      seen.push(draft.get('k2'));
      draft.delete('k2');
      seen.push(draft.get('k2'));
    });
    expect(seen).toEqual([20, 1, undefined]);
  });

  test('NaN equals itself, and 0 is not -0', () => {
    const map = PersistentMap.of([['a', Number.NaN] as const]);
    expect(map.set('a', Number.NaN)).toBe(map);
    expect(
      Object.is(
        PersistentMap.of([['a', 0] as const])
          .set('a', -0)
          .get('a'),
        -0,
      ),
    ).toBe(true);
  });

  test('all ways to iterate agree', () => {
    const entries = [...TENS];
    const visited: [string, number][] = [];
    TENS.forEach((value, key) => visited.push([key, value]));
    expect(visited).toEqual(entries);
    expect([...TENS.entries()]).toEqual(entries);
    expect([...TENS.keys()]).toEqual(entries.map(([key]) => key));
    expect([...TENS.values()]).toEqual(entries.map(([, value]) => value));
    expect(new Map(entries).size).toBe(10);
  });
});

describe.each([
  ['equal hashes', collidingKeys(4)],
  ['hashes that differ in the last bits only', nearlyCollidingKeys(4, 22)],
])('keys with %s', (_name, keys) => {
  const [a = '', b = '', c = '', d = ''] = keys;
  const others = Array.from({ length: 40 }, (_, i) => [`other${i}`, i] as const);

  test('are told apart', () => {
    const map = PersistentMap.of<number>([[a, 1] as const, [b, 2] as const, [c, 3] as const]);
    expect([map.size, map.get(a), map.get(b), map.get(c), map.get(d)]).toEqual([3, 1, 2, 3, undefined]);
    expect(map.set(b, 20).get(b)).toBe(20);
    expect(map.has(d)).toBe(false);
  });

  test('leave no trace when they go', () => {
    const before = PersistentMap.of(others);
    let map = before;
    for (const key of keys) map = map.set(key, 0);
    expect(map.size).toBe(44);
    for (const key of [c, a, d, b]) map = map.delete(key);
    expect([map.size, [...map]]).toEqual([40, [...before]]);
  });

  test('come in the same order whatever the order of arrival', () => {
    const forwards = PersistentMap.of(keys.map((key) => [key, 0] as const));
    const backwards = PersistentMap.of(keys.toReversed().map((key) => [key, 0] as const));
    expect([...backwards]).toEqual([...forwards]);
  });

  test('are compared one by one', () => {
    const before = PersistentMap.of<number>([...others, [a, 1], [b, 2], [c, 3]]);
    const after = before.set(b, 20).delete(c).set(d, 4);
    expect(differences(before, after)).toEqual(
      (
        [
          [b, 2, 20],
          [c, 3, undefined],
          [d, undefined, 4],
        ] satisfies Difference[]
      ).sort(([x], [y]) => (x < y ? -1 : 1)),
    );
  });
});

describe('diffMaps', () => {
  test('says nothing about equal maps, shared or not', () => {
    expect(differences(TENS, TENS)).toEqual([]);
    expect(differences(TENS, PersistentMap.of([...TENS].toReversed()))).toEqual([]);
  });

  test('reports each difference once', () => {
    const after = TENS.set('k1', 11).delete('k2').set('new', 1);
    expect(differences(TENS, after)).toEqual([
      ['k1', 10, 11],
      ['k2', 20, undefined],
      ['new', undefined, 1],
    ]);
  });

  test('works against nothing, in both directions', () => {
    expect(differences(PersistentMap.empty(), TENS)).toHaveLength(10);
    expect(differences(TENS, PersistentMap.empty()).every(([, , after]) => after === undefined)).toBe(true);
  });

  test('walks only what the maps do not share', () => {
    const entries = Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i] as const);
    const before = PersistentMap.of(entries);
    const relative = before.set('k777', -1).delete('k13');
    const stranger = PersistentMap.of(entries).set('k777', -1).delete('k13');
    const expected = [
      ['k13', 13, undefined],
      ['k777', 777, -1],
    ];
    expect(differences(before, relative)).toEqual(expected);
    expect(differences(before, stranger)).toEqual(expected);
    const fastestMs = (after: PersistentMap<number>): number => {
      const runs = Array.from({ length: 9 }, () => {
        const startedMs = performance.now();
        diffMaps(before, after, () => undefined);
        return performance.now() - startedMs;
      });
      return Math.min(...runs);
    };
    expect(fastestMs(relative)).toBeLessThan(fastestMs(stranger) / 10);
  });
});
