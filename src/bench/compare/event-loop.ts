import { METRICS_PORT } from './files.ts';
import { NODE_ADDRESS } from './workload.ts';

/** Seconds by upper bound of a histogram's buckets: in how many the longest delay of the event loop was at most that. */
export type Delays = ReadonlyMap<number, number>;

/** sluice's own; others have no event loop. */
const BUCKET = /^sluice_event_loop_delay_seconds_bucket\{le="([^"]+)"\} (\S+)$/gm;

const PATIENCE_MS = 2000;

/** What the contender's metrics say of the longest delay in each second so far; empty when they say nothing. */
export async function readDelays(): Promise<Delays> {
  const url = `http://${NODE_ADDRESS}:${METRICS_PORT}/metrics`;
  try {
    const answer = await fetch(url, { headers: { Connection: 'close' }, signal: AbortSignal.timeout(PATIENCE_MS) });
    return parseDelays(await answer.text());
  } catch {
    return new Map(); // Its metrics are elsewhere, or nowhere.
  }
}

export function parseDelays(text: string): Delays {
  return new Map(
    [...text.matchAll(BUCKET)].map(([, bound, count]) => [
      bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound),
      Number(count),
    ]),
  );
}

/** The bound below which all delays were that came between two looks; `undefined` when there is none. */
export function longestDelayMs(before: Delays, after: Delays): number | undefined {
  const counts = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const);
  const all = counts.find(([bound]) => bound === Number.POSITIVE_INFINITY)?.[1] ?? 0;
  const bounds = counts.filter(([, count]) => count === all).map(([bound]) => bound);
  return all === 0 ? undefined : Math.min(...bounds) * 1000;
}
