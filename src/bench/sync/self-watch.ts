import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks';
import type { PerformanceEntry } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { peakOf } from './child-watch.ts';

/** What this process suffered and took while something was measured. */
export interface Strain {
  /** The most physical memory. */
  readonly peakBytes: number;
  /** The longest time during which the event loop did not turn. */
  readonly stallMs: number;
  readonly longestGcMs: number;
  readonly gcMs: number;
  /** Processor time of this process, without its children. */
  readonly cpuMs: number;
}

/** The monitor looks this often, and what it reports includes it. */
const RESOLUTION_MS = 5;

/** Runs `work` under observation. */
export async function watchSelf<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly strain: Strain }> {
  const pausesMs: number[] = [];
  const collect = (entries: readonly PerformanceEntry[]): void => {
    for (const { duration } of entries) pausesMs.push(duration);
  };
  const observer = new PerformanceObserver((list) => collect(list.getEntries()));
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  forgetPeak();
  observer.observe({ entryTypes: ['gc'] });
  delays.enable();
  const before = process.cpuUsage();
  try {
    const result = await work();
    const cpu = process.cpuUsage(before);
    await sleep(2 * RESOLUTION_MS); // The last stall is reported by the turn after it.
    collect(observer.takeRecords());
    return {
      result,
      strain: {
        peakBytes: peakOf('self'),
        stallMs: Math.max(0, delays.max / 1e6 - RESOLUTION_MS),
        longestGcMs: Math.max(0, ...pausesMs),
        gcMs: pausesMs.reduce((sum, ms) => sum + ms, 0),
        cpuMs: (cpu.user + cpu.system) / 1000,
      },
    };
  } finally {
    observer.disconnect();
    delays.disable();
  }
}

/** Makes the kernel's note of our peak begin anew (proc(5), clear_refs); where that is forbidden it stays the peak since the start. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // See above.
  }
}
