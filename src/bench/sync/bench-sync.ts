import { systemRunner } from '../../kernel/command.ts';
import { describeMachine } from '../machine.ts';
import type { Progress } from '../progress.ts';
import type { Skipped } from '../report/report.ts';
import type { Contender } from './contenders.ts';
import { whyUnusable } from './contenders.ts';
import type { SyncBenchOptions } from './options.ts';
import { casesOf } from './options.ts';
import type { SyncReport } from './report.ts';
import { syncReport } from './report.ts';
import { refuseNothing, runCases } from './run-cases.ts';

export interface SyncBenchRun {
  readonly progress: Progress;
  /** For the report. */
  readonly command: string;
}

/**
 * Measures every case in this process's network namespace, which must be a private one.
 *
 * @throws {SluiceError} `bad-config` when no backend can be measured here.
 */
export async function benchSync(options: SyncBenchOptions, run: SyncBenchRun): Promise<SyncReport> {
  const startedAt = new Date();
  const startMs = performance.now();
  const machine = await describeMachine(systemRunner);
  const usable: Contender[] = [];
  const skipped: Skipped[] = [];
  for (const contender of options.contenders) {
    const reason = await whyUnusable(contender, systemRunner);
    if (reason === undefined) usable.push(contender);
    else skipped.push({ what: contender.name, reason });
  }
  const matrix = casesOf({ ...options, contenders: usable });
  refuseNothing(matrix.cases, [...skipped, ...matrix.skipped]);
  for (const { what, reason } of skipped) run.progress.note(`${what}: left out: ${reason}`);
  const { results, skipped: failed } = await runCases(matrix.cases, {
    progress: run.progress,
    caseTimeoutMs: options.caseTimeoutMs,
  });
  return syncReport({
    results,
    skipped: [...skipped, ...matrix.skipped, ...failed],
    machine,
    command: run.command,
    seed: options.seed,
    startedAt,
    durationMs: performance.now() - startMs,
  });
}
