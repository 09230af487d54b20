import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';

test('the system clock moves forward and calls back once', async () => {
  const startedMs = systemClock.now();
  let calls = 0;
  await new Promise<void>((resolve) => {
    systemClock.after(20, () => {
      calls++;
      setTimeout(resolve, 40);
    });
  });
  expect(calls).toBe(1);
  expect(systemClock.now() - startedMs).toBeGreaterThanOrEqual(58);
});

test('a call can be cancelled', async () => {
  let called = false;
  const cancel = systemClock.after(10, () => {
    called = true;
  });
  cancel();
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(called).toBe(false);
});
