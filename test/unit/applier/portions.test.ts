import { expect, test } from 'vitest';
import { slicesOf } from '../../../src/applier/portions.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { servicePort, snapshotOf } from '../../support/cluster.ts';

/** Service ports by Service and creation time. */
function snapshot(...services: readonly (readonly [service: string, createdAtMs: number, ports?: number])[]): Snapshot {
  return snapshotOf(
    services.flatMap(([name, createdAtMs, ports = 1]) =>
      Array.from(
        { length: ports },
        (_, i) => [servicePort({ service: `ns/${name}`, portName: `p${i}`, createdAtMs }), []] as const,
      ),
    ),
  );
}

/** How many service ports of which Services each slice leads to. */
function growth(of: Snapshot, sizes: { first: number; most: number }): readonly string[] {
  return [...slicesOf(of, sizes)].map((steps) => {
    const services = [...(steps.at(-1)?.servicePorts.values() ?? [])].map(({ service }) => service.slice(3));
    return services.sort().join(' ');
  });
}

test('the oldest come first; among equals the name decides', () => {
  const all = snapshot(['young', 3], ['b', 2], ['a', 2], ['old', 1]);
  expect(growth(all, { first: 1, most: 1 })).toEqual(['old', 'a old', 'a b old', 'a b old young']);
});

test('slices grow, up to a limit', () => {
  const all = snapshot(...Array.from({ length: 9 }, (_, i) => [`${i}`, i] as const));
  expect(growth(all, { first: 1, most: 3 })).toEqual(['0', '0 1 2', '0 1 2 3 4 5', '0 1 2 3 4 5 6 7 8']);
});

test('all ports of a Service are in the same slice', () => {
  const all = snapshot(['a', 1, 3], ['a-b', 1, 2], ['c', 1]);
  expect(growth(all, { first: 1, most: 1 })).toEqual(['a-b a-b', 'a a a a-b a-b', 'a a a a-b a-b c']);
});

test('it ends with the very snapshot, in steps that are never large', () => {
  const all = snapshot(...Array.from({ length: 2000 }, (_, i) => [`${i}`, 0] as const));
  const steps = [...slicesOf(all, { first: 500, most: 4000 })];
  expect(steps.at(-1)?.at(-1)).toBe(all);
  const sizes = steps.flat().map(({ servicePorts }) => servicePorts.size);
  const growths = sizes.map((size, i) => size - (sizes[i - 1] ?? 0));
  expect(Math.max(...growths)).toBeLessThanOrEqual(250);
  expect(growths.reduce((sum, size) => sum + size, 0)).toBe(2000);
});

test('a cluster without Services is one slice of one step', () => {
  const none = snapshot();
  expect([...slicesOf(none, { first: 500, most: 4000 })]).toEqual([[none]]);
});
