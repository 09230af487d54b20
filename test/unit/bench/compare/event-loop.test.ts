import { expect, it } from 'vitest';
import { longestDelayMs, parseDelays } from '../../../../src/bench/compare/event-loop.ts';

const metrics = (counts: readonly number[]) =>
  ['0.01', '0.05', '+Inf']
    .map((bound, i) => `sluice_event_loop_delay_seconds_bucket{le="${bound}"} ${counts[i]}`)
    .concat('sluice_event_loop_delay_seconds_count 9', 'other_bucket{le="0.01"} 5')
    .join('\n');

it('the longest delay is the least bound below which all new delays are', () => {
  const before = parseDelays(metrics([3, 3, 4]));
  expect(longestDelayMs(before, parseDelays(metrics([5, 5, 6])))).toBe(10);
  expect(longestDelayMs(before, parseDelays(metrics([5, 6, 7])))).toBe(50);
  expect(longestDelayMs(before, parseDelays(metrics([5, 6, 8])))).toBe(Number.POSITIVE_INFINITY);
});

it('who says nothing of delays has none', () => {
  expect(longestDelayMs(new Map(), parseDelays('go_goroutines 70'))).toBeUndefined();
});
