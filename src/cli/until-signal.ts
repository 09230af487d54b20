import { constants } from 'node:os';
import type { Log } from '../base/log.ts';

/** What is under way may be waiting for a lock or for a tool that hangs; whoever stops us waits 5 s at least. */
const STOP_LIMIT_MS = 4000;

const EXIT_UNFINISHED = 2;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface UntilSignalOptions {
  readonly log: Log;
  /** What to say when `run` does not end in time after it was asked to. */
  readonly unfinished: string;
  /** Ends in its own time after `stop`; a run that ended because of it is a success. */
  readonly run: (stop: AbortSignal) => Promise<unknown>;
}

/**
 * Runs until SIGINT or SIGTERM. The first one asks for the end; the second ends the process at once, with the exit code that a
 * shell has for it, and so does a limit of time, with 2.
 */
export async function untilSignal({ log, unfinished, run }: UntilSignalOptions): Promise<void> {
  const stop = new AbortController();
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort();
    setTimeout(() => {
      log.error(unfinished);
      process.exit(EXIT_UNFINISHED);
    }, STOP_LIMIT_MS).unref();
  };
  // Not `once`: execa ends the process when its own listener is the only one left while a child is running. A run
  // that ends by itself is ended by the signal itself.
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await run(stop.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}
