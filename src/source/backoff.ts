export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Growing pauses, each spread by half so that a thousand nodes do not come back at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Milliseconds to wait now. */
  next(): number {
    const { firstMs, maxMs, random } = this.#options;
    const wholeMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures++, 30));
    return wholeMs * (0.5 + random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
