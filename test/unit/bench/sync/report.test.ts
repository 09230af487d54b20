import { describe, expect, it } from 'vitest';
import type { LineChart } from '../../../../src/bench/report/report.ts';
import { syncReport } from '../../../../src/bench/sync/report.ts';
import { REPORT } from '../../../support/bench-report.ts';
import { caseResult } from '../../../support/bench-case.ts';

const PARTS = {
  skipped: [],
  machine: REPORT.machine,
  command: 'sluice bench sync',
  seed: 1,
  startedAt: new Date(0),
  durationMs: 1,
};

const SIZES = [1000, 10_000].flatMap((services) => [
  caseResult({ contender: 'nft', services, endpoints: 4 }, 0.5),
  caseResult({ contender: 'iptables-nft', services, endpoints: 4 }, 30),
]);

describe('several sizes', () => {
  const { sections, details } = syncReport({ ...PARTS, results: SIZES });

  it('are lines, backends side by side, with the floor of each', () => {
    const [chart] = sections[0]?.charts ?? [];
    expect(chart?.kind).toBe('line');
    const { series } = chart as LineChart;
    expect(series.map(({ name, floor = false }) => [name, floor])).toEqual([
      ['nft', false],
      ['nft: kernel floor', true],
      ['iptables-nft', false],
      ['iptables-nft: kernel floor', true],
    ]);
    expect(series[0]?.points).toEqual([
      { x: 1000, y: 700 },
      { x: 10_000, y: 700 },
    ]);
  });

  it('have a row for every case in tables whose rows fit their columns', () => {
    const tables = sections.flatMap((section) => section.tables);
    expect(sections.map(({ title }) => title)).toEqual(['Cold load', 'One endpoint', 'First load and memory']);
    for (const { columns, rows } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
    const [backend, size, operation, ...numbers] = sections[0]?.tables[0]?.rows[0] ?? [];
    expect([backend, size, operation]).toEqual(['nft', '1,000 Services × 4 endpoints', 'cold load']);
    expect(numbers).toEqual([700, 700, 700, 700, 1, 400, 150, 2]);
  });

  it('are in the JSON with everything that was measured', () => {
    expect(JSON.parse(JSON.stringify(details))).toEqual({ cases: SIZES });
  });
});

it('one size is a chart of backends side by side', () => {
  const { sections } = syncReport({ ...PARTS, results: SIZES.slice(0, 2) });
  expect(sections[0]?.charts).toEqual([
    {
      kind: 'bar',
      title: 'Cold load, 1,000 Services × 4 endpoints',
      categories: ['nft', 'iptables-nft'],
      y: { label: 'event → acknowledged', unit: 'ms', scale: 'log' },
      series: [
        { name: 'median', values: [700, 700] },
        { name: 'p99', values: [700, 700] },
        { name: 'kernel floor', values: [400, 400], floor: true },
      ],
    },
  ]);
});

it('nothing measured is a report without sections', () => {
  expect(syncReport({ ...PARTS, results: [] }).sections).toEqual([]);
});
