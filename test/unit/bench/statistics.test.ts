import { expect, it } from 'vitest';
import { percentile, summarize } from '../../../src/bench/statistics.ts';

it.each([
  [[5, 1, 3], 0, 1],
  [[5, 1, 3], 0.5, 3],
  [[4, 1, 3, 2], 0.5, 2],
  [[5, 1, 3], 1, 5],
  [[7], 0.99, 7],
])('of %j, share %d is %d', (samples, share, expected) => {
  expect(percentile(samples, share)).toBe(expected);
});

it('takes the nearest rank, never a value that was not measured', () => {
  const samples = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect(summarize(samples)).toEqual({ count: 200, min: 1, p50: 100, p90: 180, p99: 198, max: 200 });
});

it('has nothing to say of no samples', () => {
  expect(percentile([], 0.5)).toBeNaN();
  expect(() => summarize([])).toThrow('no samples');
});
