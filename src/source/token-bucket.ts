import type { Clock } from '../base/clock.ts';

export interface TokenBucketOptions {
  /** Sustained rate; zero or less means no limit. */
  readonly perSecond: number;
  /** How many may go at once after a pause. */
  readonly burst: number;
  readonly clock: Clock;
}

/** Limits how often something is done. */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  #tokens: number;
  #filledMs: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#tokens = Math.max(1, options.burst);
    this.#filledMs = options.clock.now();
  }

  /** Takes a token if there is one. */
  tryTake(): boolean {
    return this.#take(0) === 0;
  }

  /** Takes a token, if need be one of the future. @returns milliseconds after which it may be used; callers queue up. */
  reserve(): number {
    return this.#take(Number.POSITIVE_INFINITY);
  }

  #take(maxWaitMs: number): number {
    const { perSecond, burst, clock } = this.#options;
    if (perSecond <= 0) return 0;
    const now = clock.now();
    this.#tokens = Math.min(Math.max(1, burst), this.#tokens + ((now - this.#filledMs) / 1000) * perSecond);
    this.#filledMs = now;
    const waitMs = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / perSecond) * 1000;
    if (waitMs <= maxWaitMs) this.#tokens -= 1;
    return waitMs;
  }
}
