import { describe, expect, it } from 'vitest';
import type { RunSample } from '../../../../src/bench/compare/measure.ts';
import { mergeRuns } from '../../../../src/bench/compare/measure.ts';
import { compareReport } from '../../../../src/bench/compare/report.ts';
import { FRAME } from '../frame.ts';

const sample = (parts: Partial<RunSample> = {}): RunSample => ({
  startMs: 1000,
  startCpuMs: 500,
  changes: { created: [2], switched: [3], deleted: [4] },
  changeCpuMs: 1,
  loadedBytes: 100e6,
  idleCpu: 0.01,
  churnCpu: 0.2,
  switchedBusy: [5],
  churnedBytes: 120e6,
  peakBytes: 130e6,
  processes: ['node 100 MB'],
  ...parts,
});

describe('several runs', () => {
  it('are one: samples together, single figures by their median', () => {
    const runs = [sample({ startMs: 900 }), sample({ startMs: 1000 }), sample({ startMs: 5000, churnCpu: 0.3 })];
    expect(mergeRuns(runs)).toMatchObject({
      startMs: 1000,
      churnCpu: 0.2,
      changes: { created: [2, 2, 2] },
      switchedBusy: [5, 5, 5],
    });
  });

  it('have no figure that was not measured', () => {
    const { churnCpu: _, churnedBytes: __, ...still } = sample({ switchedBusy: [] });
    expect(mergeRuns([still])).toEqual(still);
    expect(mergeRuns([])).toBeUndefined();
  });
});

describe('the report', () => {
  const contender = (name: string) => ({ name, shown: `${name} {config}` });
  const effort = { rounds: 5, pauseMs: 10, settleMs: 0, idleMs: 0, churnMs: 0 };
  const frame = { ...FRAME, runs: 1, effort, kubeApiServer: false, minSyncPeriod: undefined };
  const slow = sample({ startMs: 4000, changes: { created: [200], switched: [300], deleted: [] }, loadedBytes: 50e6 });
  const both = [1000, 10_000].flatMap((services) => [
    { contender: 'sluice', services, sample: sample({ longestDelayMs: 60 }) },
    { contender: 'other', services, sample: slow },
  ]);
  const report = compareReport(
    { contenders: [contender('sluice'), contender('other')], outcomes: both, skipped: [] },
    frame,
  );
  const rowOf = (what: string) => report.sections[0]?.tables[0]?.rows.find(([figure]) => figure === what);

  it('has every figure of all, and how many times that of sluice', () => {
    expect(rowOf('process start → first packet')).toEqual([expect.anything(), '1 s', '4 s', 4]);
    expect(rowOf('Service created → first packet, p50')).toEqual([expect.anything(), '2 ms', '200 ms', 100]);
    expect(rowOf('memory, rules in place')).toEqual([expect.anything(), '100 MB', '50 MB', 0.5]);
  });

  it('leaves empty what a contender has not', () => {
    expect(rowOf('Service deleted → no connection, p50')).toEqual([expect.anything(), '4 ms', null, null]);
    expect(rowOf('longest delay of the event loop, at most')).toEqual([expect.anything(), '60 ms', null, null]);
  });

  it('holds sluice alone to its targets, at the sizes that they are for', () => {
    const missed = report.targets
      .filter((target) => target.value !== null && target.value > target.atMost)
      .map(({ name }) => name);
    expect(missed).toEqual(['10,000 Services: longest delay of the event loop']);
    expect(report.targets.every(({ value }) => value !== null)).toBe(true);
  });

  it('says who was started how, without the folders of this machine', () => {
    expect(report.method).toContain('other: other {config}');
    expect(report.skipped).toMatchObject([{ what: 'a real API server' }]);
  });

  it('of sluice alone has no ratios', () => {
    const alone = compareReport({ contenders: [contender('sluice')], outcomes: both.slice(0, 1), skipped: [] }, frame);
    expect(alone.sections).toHaveLength(1);
    expect(alone.sections[0]?.tables[0]?.columns.map(({ heading }) => heading)).toEqual(['', 'sluice']);
  });
});
