import type { BenchReport, BarChart, LineChart } from '../../src/bench/report/report.ts';
import { REPORT_FORMAT } from '../../src/bench/report/report.ts';

/** Has what markup must not take at its word. */
export const HOSTILE = 'a <b> & "c"';

export const LINES: LineChart = {
  kind: 'line',
  title: `Cold load ${HOSTILE}`,
  x: { label: 'Services', unit: 'count', scale: 'log' },
  y: { label: 'event → acknowledged', unit: 'ms', scale: 'log' },
  series: [
    {
      name: 'nft',
      points: [
        { x: 10_000, y: 600 },
        { x: 1000, y: 60 },
      ],
    },
    { name: 'nft: kernel floor', points: [{ x: 1000, y: 6 }], floor: true },
    { name: 'direct', points: [{ x: 1000, y: 0 }], floor: true },
  ],
};

export const BARS: BarChart = {
  kind: 'bar',
  title: 'Create',
  categories: ['sluice', HOSTILE],
  y: { label: 'time', unit: 'ms', scale: 'linear' },
  series: [
    { name: 'p50', values: [50, null] },
    { name: 'p99', values: [100, 25] },
    { name: 'floor', values: [10, null], floor: true },
  ],
};

/** A report with one of everything. */
export const REPORT: BenchReport = {
  format: REPORT_FORMAT,
  bench: 'sync',
  title: 'Rule-sync latency',
  summary: `What it measures: ${HOSTILE}.`,
  command: `sluice bench sync ${HOSTILE}`,
  seed: 7,
  startedAt: '2026-03-01T12:34:56.000Z',
  durationMs: 61_000,
  machine: {
    cpu: 'Example 9000',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    kernel: 'Linux 6.18.1',
    node: 'v24.1.0',
    tools: { nft: '1.0.6' },
    load: 0.25,
  },
  method: [`In one way ${HOSTILE}`],
  targets: [
    { name: 'cold load', atMost: 800, value: 650, unit: 'ms' },
    { name: 'one change', atMost: 1, value: 1.25, unit: 'ms' },
    { name: 'not in this run', atMost: 1, value: null, unit: 'ratio' },
  ],
  skipped: [{ what: 'ipvs', reason: `the kernel lacks it ${HOSTILE}` }],
  sections: [
    {
      title: 'Cold load',
      text: `A start ${HOSTILE}`,
      charts: [LINES, BARS],
      tables: [
        {
          title: `Latency ${HOSTILE}`,
          columns: [{ heading: 'backend' }, { heading: 'p50', unit: 'ms' }, { heading: 'written', unit: 'bytes' }],
          rows: [
            ['nft', 650, 2_890_000],
            [HOSTILE, 2400, null],
          ],
        },
      ],
    },
  ],
  details: { cases: [] },
};
