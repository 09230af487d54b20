import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/source/backoff.ts';
import { TokenBucket } from '../../../src/source/token-bucket.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('TokenBucket', () => {
  test('lets a burst pass, and queues what comes after at the rate', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ perSecond: 5, burst: 3, clock });
    expect(Array.from({ length: 6 }, () => bucket.reserve())).toEqual([0, 0, 0, 200, 400, 600]);
    await clock.advance(10_000);
    expect(Array.from({ length: 4 }, () => bucket.reserve())).toEqual([0, 0, 0, 200]);
  });

  test('does not take tokens of the future when asked not to', async () => {
    const clock = new FakeClock();
    const bucket = new TokenBucket({ perSecond: 1, burst: 1, clock });
    expect([bucket.tryTake(), bucket.tryTake(), bucket.tryTake()]).toEqual([true, false, false]);
    await clock.advance(1000);
    expect(bucket.tryTake()).toBe(true);
  });

  test('has no limit when the rate is negative', () => {
    const bucket = new TokenBucket({ perSecond: -1, burst: 1, clock: new FakeClock() });
    expect(Array.from({ length: 100 }, () => bucket.reserve()).every((waitMs) => waitMs === 0)).toBe(true);
  });
});

test('Backoff doubles up to its limit, is spread by half, and begins anew', () => {
  const spread = [0, 1, 0.5];
  let i = 0;
  const backoff = new Backoff({ firstMs: 200, maxMs: 1000, random: () => spread[i++ % 3] ?? 0 });
  expect(Array.from({ length: 6 }, () => backoff.next())).toEqual([100, 400, 600, 500, 1000, 750]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});
