import { SluiceError } from '../base/errors.ts';

/** What is told of a number of samples. */
export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** @throws {SluiceError} `internal` when there are no samples. */
export function summarize(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new SluiceError({ code: 'internal', message: 'no samples to summarize' });
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number => ofSorted(sorted, share);
  return { count: sorted.length, min: at(0), p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

/** The value below which `share` (0 to 1) of the samples lie, by the nearest rank; NaN of none. */
export function percentile(samples: readonly number[], share: number): number {
  return ofSorted(
    samples.toSorted((a, b) => a - b),
    share,
  );
}

function ofSorted(sorted: readonly number[], share: number): number {
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.max(0, Math.min(sorted.length - 1, rank))] ?? Number.NaN;
}
