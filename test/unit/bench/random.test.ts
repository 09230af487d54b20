import { expect, it } from 'vitest';
import { seededRandom } from '../../../src/bench/random.ts';

function numbers(seed: number, count: number): readonly number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.below(100));
}

it('gives the same numbers for the same seed, and others for another', () => {
  expect(numbers(7, 50)).toEqual(numbers(7, 50));
  expect(numbers(7, 50)).not.toEqual(numbers(8, 50));
});

it.each([0, 1, 2 ** 31, 4_294_967_295])('reaches all numbers below the limit, none above, from seed %d', (seed) => {
  const found = new Set(numbers(seed, 5000));
  expect(found.size).toBe(100);
  expect([Math.min(...found), Math.max(...found)]).toEqual([0, 99]);
});
