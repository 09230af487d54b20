import type { Clock } from '../../base/clock.ts';

export interface HealthOptions {
  readonly clock: Clock;
  /** Asks the upstream anything; true when there was any answer. */
  readonly probe: () => Promise<boolean>;
  /** Down after more failed probes in a row than this; 0 switches the judgement off. */
  readonly maxFails: number;
  readonly onProbeFailed: () => void;
  /** It went down, or is back. */
  readonly onTurn: (isDown: boolean) => void;
}

const FIRST_PAUSE_MS = 500;

/** An upstream that is away for long is asked less often. */
const MAX_PAUSE_MS = 4000;

/**
 * Whether an upstream answers. Nothing is sent as long as queries are answered; after one that was not, probes go out
 * until one is answered, as the forward plugin of CoreDNS does.
 */
export class Health {
  readonly #options: HealthOptions;
  #failures = 0;
  #isProbing = false;
  #isStopped = false;
  #cancel: () => void = () => {};

  constructor(options: HealthOptions) {
    this.#options = options;
  }

  get isDown(): boolean {
    return this.#options.maxFails > 0 && this.#failures > this.#options.maxFails;
  }

  /** A query or a probe got an answer. */
  answered(): void {
    const wasDown = this.isDown;
    this.#failures = 0;
    if (wasDown) this.#options.onTurn(false);
  }

  /** A query got none. */
  suspect(): void {
    if (this.#isProbing || this.#isStopped) return;
    this.#isProbing = true;
    void this.#probe(FIRST_PAUSE_MS);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  async #probe(pauseMs: number): Promise<void> {
    const isAnswered = await this.#options.probe();
    if (this.#isStopped) return;
    if (isAnswered) {
      this.#isProbing = false;
      this.answered();
      return;
    }
    const wasDown = this.isDown;
    this.#failures++;
    this.#options.onProbeFailed();
    if (this.isDown && !wasDown) this.#options.onTurn(true);
    this.#cancel = this.#options.clock.after(pauseMs, () => void this.#probe(Math.min(MAX_PAUSE_MS, pauseMs * 2)));
  }
}
