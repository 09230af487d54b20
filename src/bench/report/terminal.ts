import { spellLoad, spellMachine } from '../machine.ts';
import { spell, spellCell } from '../units.ts';
import type { BenchReport, Table, TargetVerdict } from './report.ts';
import { measuredTargets, verdictOf } from './verdict.ts';

export interface TerminalOptions {
  readonly colour: boolean;
}

/** The report as text: what was measured where, every table, the targets, and what was left out. */
export function terminalReport(report: BenchReport, options: TerminalOptions): string {
  const { title, machine, seed, method, sections, targets, skipped } = report;
  const parts = [
    `${title}\n${spellMachine(machine)}\nseed ${seed}; ${spellLoad(machine)}`,
    ...sections.flatMap(({ title: heading, tables }) => tables.map((table) => tableText(table, heading))),
  ];
  if (targets.length > 0) parts.push(targetsText(targets, options));
  if (skipped.length > 0) {
    parts.push(`Left out\n${skipped.map(({ what, reason }) => `  ${what}: ${reason}`).join('\n')}`);
  }
  if (method.length > 0) parts.push(`How\n${method.map((sentence) => `  ${sentence}`).join('\n')}`);
  return `${parts.join('\n\n')}\n`;
}

const GREEN = '\u001B[32m';
const RED = '\u001B[31m';
const PLAIN = '\u001B[0m';

function targetsText(targets: readonly TargetVerdict[], { colour }: TerminalOptions): string {
  const { measured, rest } = measuredTargets(targets);
  const lines = measured.map((target) => {
    const { name, atMost, value, unit } = target;
    const verdict = verdictOf(target);
    const word = colour ? `${verdict === 'met' ? GREEN : RED}${verdict}${PLAIN}` : verdict;
    return `${word.padEnd(word.length + 'missed'.length - verdict.length)}  ${name}: ${spell(value, unit)} (≤ ${spell(atMost, unit)})`;
  });
  return ['Targets', ...lines, ...(rest === undefined ? [] : [rest])].join('\n  ');
}

function tableText({ title, columns, rows }: Table, heading: string): string {
  const lines = [
    columns.map((column) => column.heading),
    ...rows.map((row) => row.map((cell, i) => spellCell(cell, columns[i]?.unit))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, i) => (columns[i]?.unit === undefined ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return `${heading === title ? title : `${heading}: ${title}`}\n${text.map((line) => `  ${line}`).join('\n')}`;
}
