import { describe, expect, test } from 'vitest';
import { Scheduler } from '../../../src/applier/scheduler.ts';
import { FakeClock, settle } from '../../support/fake-clock.ts';

interface Attempt {
  readonly atMs: number;
  readonly finish: (thrown?: Error) => void;
}

/** A scheduler whose runs end when the test says so (or at once, failing while `failing` is set). */
function start(parts: { minIntervalMs?: number; automatic?: boolean } = {}) {
  const clock = new FakeClock();
  const attempts: Attempt[] = [];
  const retries: number[] = [];
  const state = { failing: false };
  const zeroMs = clock.now();
  const scheduler = new Scheduler({
    clock,
    minIntervalMs: parts.minIntervalMs ?? 0,
    backoff: { firstMs: 100, maxMs: 1000 },
    onFailure: (_thrown, retryInMs) => retries.push(retryInMs),
    run: () =>
      new Promise((resolve, reject) => {
        const finish = (thrown?: Error): void => (thrown === undefined ? resolve() : reject(thrown));
        attempts.push({ atMs: clock.now() - zeroMs, finish });
        if (parts.automatic === true) finish(state.failing ? new Error('no') : undefined);
      }),
  });
  const finish = async (thrown?: Error): Promise<void> => {
    attempts.at(-1)?.finish(thrown);
    await settle();
  };
  return { clock, scheduler, attempts, retries, state, finish, starts: () => attempts.map(({ atMs }) => atMs) };
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await settle();
  return settled;
}

describe('when to run', () => {
  test('nothing runs unasked', async () => {
    const { clock, attempts } = start();
    await clock.advance(100_000);
    expect(attempts).toHaveLength(0);
  });

  test('the first request runs at once, before anything else happens', () => {
    const { scheduler, attempts } = start({ minIntervalMs: 1000 });
    scheduler.request();
    expect(attempts).toHaveLength(1);
  });

  test('requests during a run are one more run after it', async () => {
    const { scheduler, attempts, finish } = start();
    for (let i = 0; i < 5; i++) scheduler.request();
    expect(attempts).toHaveLength(1);
    await finish();
    expect(attempts).toHaveLength(2);
    await finish();
    expect(attempts).toHaveLength(2);
  });

  test('without a minimum the next request runs at once as well', async () => {
    const { scheduler, attempts, finish } = start();
    scheduler.request();
    await finish();
    scheduler.request();
    expect(attempts).toHaveLength(2);
  });

  test('the minimum counts from the end of a run', async () => {
    const { clock, scheduler, finish, starts } = start({ minIntervalMs: 1000 });
    scheduler.request();
    await clock.advance(300);
    await finish();
    await clock.advance(400);
    for (let i = 0; i < 3; i++) scheduler.request();
    await clock.advance(599);
    expect(starts()).toEqual([0]);
    await clock.advance(1);
    expect(starts()).toEqual([0, 1300]);
  });

  test('a request later than the minimum runs at once', async () => {
    const { clock, scheduler, finish, starts } = start({ minIntervalMs: 1000 });
    scheduler.request();
    await finish();
    await clock.advance(5000);
    scheduler.request();
    expect(starts()).toEqual([0, 5000]);
  });
});

describe('failures', () => {
  test('are tried again, less and less often, for ever', async () => {
    const { clock, scheduler, retries, state, starts } = start({ automatic: true });
    state.failing = true;
    scheduler.request();
    await clock.advance(6000);
    expect(retries).toEqual([100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000]);
    expect(starts()).toEqual([0, 100, 300, 700, 1500, 2500, 3500, 4500, 5500]);
  });

  test('a success makes the next failure the first again', async () => {
    const { clock, scheduler, retries, state } = start({ automatic: true });
    state.failing = true;
    scheduler.request();
    await clock.advance(250);
    state.failing = false;
    await clock.advance(1000);
    state.failing = true;
    scheduler.request();
    await clock.advance(0);
    expect(retries).toEqual([100, 200, 100]);
  });

  test('a request does not shorten the delay', async () => {
    const { clock, scheduler, state, starts } = start({ automatic: true });
    state.failing = true;
    scheduler.request();
    await clock.advance(50);
    scheduler.request();
    await clock.advance(49);
    expect(starts()).toEqual([0]);
    await clock.advance(1);
    expect(starts()).toEqual([0, 100]);
  });

  test('the delay is never below the minimum between runs', async () => {
    const { clock, scheduler, retries, state } = start({ automatic: true, minIntervalMs: 500 });
    state.failing = true;
    scheduler.request();
    await clock.advance(2000);
    expect(retries).toEqual([500, 500, 500, 800]);
  });

  test('very many of them do not break the arithmetic', async () => {
    const { clock, scheduler, retries, state } = start({ automatic: true });
    state.failing = true;
    scheduler.request();
    await clock.advance(1_200_000);
    expect(retries.length).toBeGreaterThan(1100);
    expect(new Set(retries.slice(4))).toEqual(new Set([1000]));
  });
});

describe('idle', () => {
  test('is at once when nothing was asked', async () => {
    expect(await isSettled(start().scheduler.idle())).toBe(true);
  });

  test('waits for the run and the one after it', async () => {
    const { scheduler, finish } = start();
    scheduler.request();
    scheduler.request();
    const idle = scheduler.idle();
    await finish();
    expect(await isSettled(idle)).toBe(false);
    await finish();
    expect(await isSettled(idle)).toBe(true);
  });

  test('waits through the minimum between runs', async () => {
    const { clock, scheduler, finish } = start({ minIntervalMs: 100 });
    scheduler.request();
    await finish();
    scheduler.request();
    const idle = scheduler.idle();
    expect(await isSettled(idle)).toBe(false);
    await clock.advance(100);
    await finish();
    expect(await isSettled(idle)).toBe(true);
  });

  test('waits until a failure is mended', async () => {
    const { clock, scheduler, finish } = start();
    scheduler.request();
    const idle = scheduler.idle();
    await finish(new Error('no'));
    expect(await isSettled(idle)).toBe(false);
    await clock.advance(100);
    await finish();
    expect(await isSettled(idle)).toBe(true);
  });
});

describe('stop', () => {
  test('waits for the run under way and starts no other', async () => {
    const { clock, scheduler, attempts, finish } = start();
    scheduler.request();
    scheduler.request();
    const order: string[] = [];
    const stopped = scheduler.stop().then(() => order.push('stopped'));
    await settle();
    expect(order).toEqual([]);
    await finish();
    await stopped;
    scheduler.request();
    await clock.advance(10_000);
    expect([attempts.length, clock.pendingMs]).toEqual([1, []]);
  });

  test('cancels a run that waits', async () => {
    const { clock, scheduler, attempts, state } = start({ automatic: true });
    state.failing = true;
    scheduler.request();
    await settle();
    expect(clock.pendingMs).toEqual([100]);
    await scheduler.stop();
    await clock.advance(10_000);
    expect([attempts.length, clock.pendingMs]).toEqual([1, []]);
  });

  test('a run that fails while it is stopped is told, not repeated', async () => {
    const { clock, scheduler, attempts, retries, finish } = start();
    scheduler.request();
    const stopped = scheduler.stop();
    await finish(new Error('no'));
    await stopped;
    await clock.advance(10_000);
    expect([attempts.length, retries.length, clock.pendingMs]).toEqual([1, 1, []]);
  });

  test('releases who waits for idle, and may be called twice', async () => {
    const { scheduler, finish } = start();
    scheduler.request();
    scheduler.request();
    const idle = scheduler.idle();
    const stopped = Promise.all([scheduler.stop(), scheduler.stop()]);
    await finish();
    await stopped;
    expect(await isSettled(Promise.all([idle, scheduler.idle(), scheduler.stop()]))).toBe(true);
  });
});
