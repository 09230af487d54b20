import type { CaseResult, Outcome } from '../../src/bench/sync/case.ts';
import { detailOf } from '../../src/bench/sync/sample.ts';
import type { Sample } from '../../src/bench/sync/sample.ts';
import { summarize } from '../../src/bench/statistics.ts';

export function sample(totalMs: number): Sample {
  const stagesMs = { compile: totalMs / 4, read: 0, encode: totalMs / 4, write: 0, acknowledge: totalMs / 2 };
  return { totalMs, stagesMs, ownMs: totalMs / 2, syncs: 1, bytes: 150, changes: 2 };
}

function outcome(scenario: Outcome['scenario'], operation: string, totalMs: readonly number[]): Outcome {
  return { scenario, operation, total: summarize(totalMs), detail: detailOf(totalMs.map(sample)) };
}

/** A case of two scenarios, as a child process would send it. */
export function caseResult(
  size: Pick<CaseResult['spec'], 'contender' | 'services' | 'endpoints'>,
  changeMs: number,
): CaseResult {
  return {
    spec: { ...size, scenarios: ['cold', 'change'], runs: 1, budgetMs: 1000, seed: 1 },
    firstMs: 900,
    outcomes: [
      { ...outcome('cold', 'cold load', [700]), floor: summarize([400]) },
      outcome('change', 'one endpoint changed', [changeMs, changeMs, changeMs * 10]),
    ],
    strains: [
      {
        scenario: 'change',
        peakBytes: 1e8,
        childPeakBytes: 1e7,
        stallMs: 3,
        longestGcMs: 12,
        gcMs: 40,
        cpuMs: 500,
      },
    ],
    failures: [],
    footprint: { residentBytes: size.services * 7000, heapBytes: size.services * 5000 },
  };
}
