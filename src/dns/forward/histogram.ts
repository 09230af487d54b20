/** 0.25 ms, doubling, 16 buckets: those of CoreDNS, in seconds. */
const DURATION_BUCKETS_S: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.000_25 * 2 ** i);

/** Counts since the start, as plain data. */
export interface HistogramTotals {
  /** For each bound of {@link DURATION_BUCKETS_S} how many were not above it, and above the one before; the last: all larger. */
  readonly buckets: readonly number[];
  readonly sumS: number;
  readonly count: number;
}

/** Durations by response code. */
export class DurationsByRcode {
  readonly #totals = new Map<number, { buckets: number[]; sumS: number; count: number }>();

  observe(rcode: number, durationMs: number): void {
    let totals = this.#totals.get(rcode);
    if (totals === undefined) {
      totals = { buckets: DURATION_BUCKETS_S.map(() => 0), sumS: 0, count: 0 };
      totals.buckets.push(0);
      this.#totals.set(rcode, totals);
    }
    const seconds = durationMs / 1000;
    const found = DURATION_BUCKETS_S.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? DURATION_BUCKETS_S.length : found;
    totals.buckets[bucket] = (totals.buckets[bucket] ?? 0) + 1;
    totals.sumS += seconds;
    totals.count++;
  }

  totals(): readonly (HistogramTotals & { readonly rcode: number })[] {
    return [...this.#totals].map(([rcode, { buckets, sumS, count }]) => ({
      rcode,
      buckets: [...buckets],
      sumS,
      count,
    }));
  }
}
