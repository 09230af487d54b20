import { expect, it } from 'vitest';
import { terminalReport } from '../../../../src/bench/report/terminal.ts';
import { HOSTILE, REPORT } from '../../../support/bench-report.ts';

it('has the machine, every table with aligned columns, the targets, what was left out, and how', () => {
  expect(terminalReport(REPORT, { colour: false })).toBe(
    [
      'Rule-sync latency',
      '2 × Example 9000, 8 GiB, Linux 6.18.1, nft 1.0.6, Node v24.1.0',
      'seed 7; load average 0.25 at the start',
      '',
      `Cold load: Latency ${HOSTILE}`,
      '  backend         p50  written',
      '  nft          650 ms  2.89 MB',
      `  ${HOSTILE}   2.4 s        –`,
      '',
      'Targets',
      '  met     cold load: 650 ms (≤ 800 ms)',
      '  missed  one change: 1.25 ms (≤ 1 ms)',
      '  1 of 3 targets are about cases that this run has not',
      '',
      'Left out',
      `  ipvs: the kernel lacks it ${HOSTILE}`,
      '',
      'How',
      `  In one way ${HOSTILE}`,
      '',
    ].join('\n'),
  );
});

it('colours verdicts where it may', () => {
  const text = terminalReport(REPORT, { colour: true });
  expect(text).toContain('\u001B[32mmet\u001B[0m     cold load');
  expect(text).toContain('\u001B[31mmissed\u001B[0m  one change');
});

it('warns of figures from a busy machine', () => {
  const text = terminalReport({ ...REPORT, machine: { ...REPORT.machine, load: 1.5 } }, { colour: false });
  expect(text).toContain('load average 1.50 at the start: the machine was busy, so times are too long\n');
});
