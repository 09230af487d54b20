import { systemRunner } from '../../kernel/command.ts';
import { describeMachine } from '../machine.ts';
import type { CompareOptions } from './compare.ts';
import { benchCompare } from './compare.ts';
import type { CompareReport } from './report.ts';
import { compareReport } from './report.ts';

/** Measures and reports; `command` is the command line that does it again. */
export async function runCompare(options: CompareOptions, command: string): Promise<CompareReport> {
  const startedAt = new Date();
  const machine = await describeMachine(systemRunner);
  const result = await benchCompare(options);
  const durationMs = Date.now() - startedAt.getTime();
  const { contenders, seed, runs, effort, assets, minSyncPeriod } = options;
  return compareReport(
    { contenders: contenders.map(({ name, shown }) => ({ name, shown })), ...result },
    {
      command,
      seed,
      startedAt: startedAt.toISOString(),
      durationMs,
      machine,
      runs,
      effort,
      kubeApiServer: assets !== undefined,
      minSyncPeriod,
    },
  );
}
