import type { Clock } from '../base/clock.ts';

export interface SchedulerOptions {
  readonly run: () => Promise<void>;
  readonly clock: Clock;
  /** Least time between the end of one run and the start of the next. */
  readonly minIntervalMs: number;
  /** Delays between attempts after failures: doubling from `firstMs` to `maxMs`. */
  readonly backoff: { readonly firstMs: number; readonly maxMs: number };
  /** Told of every failed run, with the delay before the next attempt. */
  readonly onFailure: (thrown: unknown, retryInMs: number) => void;
}

/**
 * Decides when to sync. The first request runs at once; requests during a run are one more run after it. A failed run is
 * repeated for ever, with growing delays; a new request does not shorten the delay, because what failed would fail again.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #requested = false;
  #running: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #failures = 0;
  #stopped = false;
  #notBefore = Number.NEGATIVE_INFINITY;
  #idleWaiters: (() => void)[] = [];

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  request(): void {
    if (this.#stopped) return;
    this.#requested = true;
    this.#plan();
  }

  /** Resolves when every request so far has led to a successful run (or the scheduler was stopped). */
  idle(): Promise<void> {
    if (!this.#requested && this.#running === undefined) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Lets a run under way finish and starts no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#requested = false;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    await this.#running;
    this.#releaseIdle();
  }

  #plan(): void {
    if (this.#running !== undefined || this.#cancelTimer !== undefined || !this.#requested) return;
    const waitMs = this.#notBefore - this.#options.clock.now();
    if (waitMs <= 0) {
      this.#start();
      return;
    }
    this.#cancelTimer = this.#options.clock.after(waitMs, () => {
      this.#cancelTimer = undefined;
      this.#start();
    });
  }

  #start(): void {
    this.#requested = false;
    this.#running = this.#attempt().finally(() => {
      this.#running = undefined;
      this.#plan();
      if (!this.#requested && this.#running === undefined) this.#releaseIdle();
    });
  }

  async #attempt(): Promise<void> {
    const { run, clock, minIntervalMs, backoff, onFailure } = this.#options;
    try {
      await run();
      this.#failures = 0;
      this.#notBefore = clock.now() + minIntervalMs;
    } catch (thrown) {
      const delayMs = Math.max(minIntervalMs, Math.min(backoff.maxMs, backoff.firstMs * 2 ** this.#failures));
      this.#failures++;
      this.#notBefore = clock.now() + delayMs;
      if (!this.#stopped) this.#requested = true;
      onFailure(thrown, delayMs);
    }
  }

  #releaseIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const release of waiters) release();
  }
}
