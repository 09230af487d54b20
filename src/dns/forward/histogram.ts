import type { CountedHistogram } from '../counters.ts';
import { DURATION_BUCKETS } from '../counters.ts';

/** How long answers of one response code took, in seconds; see {@link DURATION_BUCKETS}. */
export interface RcodeDurations extends CountedHistogram {
  readonly rcode: number;
}

export class DurationsByRcode {
  readonly #byRcode = new Map<number, { counts: number[]; sum: number }>();

  observe(rcode: number, durationMs: number): void {
    let histogram = this.#byRcode.get(rcode);
    if (histogram === undefined) {
      histogram = { counts: Array.from({ length: DURATION_BUCKETS.length + 1 }, () => 0), sum: 0 };
      this.#byRcode.set(rcode, histogram);
    }
    const seconds = durationMs / 1000;
    const found = DURATION_BUCKETS.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? DURATION_BUCKETS.length : found;
    histogram.counts[bucket] = (histogram.counts[bucket] ?? 0) + 1;
    histogram.sum += seconds;
  }

  totals(): readonly RcodeDurations[] {
    return [...this.#byRcode].map(([rcode, { counts, sum }]) => ({ rcode, counts: [...counts], sum }));
  }
}
