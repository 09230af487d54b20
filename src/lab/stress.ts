import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, startClock } from './outcome.ts';
import { probe } from './probe.ts';
import type { StressParams, StressResult } from './protocol.ts';
import { MAX_REPORTED_FAILURES } from './protocol.ts';

/** Keeps `concurrency` probes under way until the time is over or the signal says stop. */
export async function stress(params: StressParams, signal: AbortSignal): Promise<StressResult> {
  const clock = startClock();
  const byServer: Record<string, number> = {};
  const failures: { reason: string; atMs: number }[] = [];
  let ok = 0;
  let failed = 0;
  const fail = (reason: string): void => {
    failed += 1;
    if (failures.length < MAX_REPORTED_FAILURES) failures.push({ reason, atMs: clock() });
  };
  const worker = async (): Promise<void> => {
    while (!signal.aborted && clock() < params.durationMs) {
      try {
        const result = await probe(params);
        if (result.outcome === 'reply') {
          ok += 1;
          byServer[result.server] = (byServer[result.server] ?? 0) + 1;
        } else {
          fail(result.outcome);
        }
      } catch (thrown) {
        const errno = errnoOf(thrown);
        if (errno === undefined) throw thrown;
        fail(errno);
      }
      if (params.pauseMs > 0) await sleep(params.pauseMs);
    }
  };
  await Promise.all(Array.from({ length: params.concurrency }, worker));
  return { attempts: ok + failed, ok, failed, failures, byServer, durationMs: clock() };
}
