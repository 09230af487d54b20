import type { Clock } from '../base/clock.ts';

export interface IdleTimerOptions {
  readonly clock: Clock;
  readonly idleMs: number;
  readonly onIdle: () => void;
}

/** Notices when nothing happens for too long; as cheap as a clock reading for each thing that does happen. */
export class IdleTimer {
  readonly #options: IdleTimerOptions;
  #lastMs: number;
  #idleMs: number;
  #cancel: () => void = () => {};
  #looksAgain = false;

  constructor(options: IdleTimerOptions) {
    this.#options = options;
    this.#idleMs = options.idleMs;
    this.#lastMs = options.clock.now();
    this.#arm(this.#idleMs);
  }

  /** Something happened. */
  touch(): void {
    this.#lastMs = this.#options.clock.now();
    this.#looksAgain = false;
  }

  /** From now on, so long counts as idle. */
  changeTo(idleMs: number): void {
    this.#idleMs = idleMs;
    this.touch();
    this.#cancel();
    this.#arm(idleMs);
  }

  stop(): void {
    this.#cancel();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => this.#look());
  }

  #look(): void {
    const restMs = this.#lastMs + this.#idleMs - this.#options.clock.now();
    if (restMs > 0) this.#arm(restMs);
    else if (this.#looksAgain) this.#options.onIdle();
    else {
      // Timers come before input: a process that was stopped for a while has to read first what is waiting for it.
      this.#looksAgain = true;
      this.#arm(Math.min(1000, this.#idleMs / 10));
    }
  }
}
