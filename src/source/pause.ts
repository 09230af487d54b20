import type { Clock } from '../base/clock.ts';

export interface PauseOptions {
  readonly clock: Clock;
  /** Ends the pause early. */
  readonly signal?: AbortSignal | undefined;
}

/** Waits. Does not throw when it is cut short. */
export function pause(ms: number, { clock, signal }: PauseOptions): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done);
  });
}
