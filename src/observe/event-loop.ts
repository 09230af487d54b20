import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';
import type { Metrics } from './metrics.ts';

/** The monitor looks this often; what it reports includes it. */
const RESOLUTION_MS = 20;

const PERIOD_MS = 1000;

/**
 * Records the longest delay of the event loop in each second. (The gauges of prom-client start anew with each scrape, so two
 * scrapers hide peaks from one another.)
 *
 * @returns what ends it.
 */
export function watchEventLoop(metrics: Metrics, clock: Clock): () => void {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const look = (): void => {
    const longestMs = Math.max(0, delays.max / 1e6 - RESOLUTION_MS);
    metrics.observe('sluice_event_loop_delay_seconds', {}, longestMs / 1000);
    delays.reset();
    cancel = clock.after(PERIOD_MS, look);
  };
  let cancel = clock.after(PERIOD_MS, look);
  return () => {
    cancel();
    delays.disable();
  };
}
