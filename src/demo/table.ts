import type { Origin } from '../compiler/plan.ts';
import type { Observation } from './traffic.ts';

const COLUMNS: readonly Origin[] = ['pod', 'node', 'outside'];

/** One line per frontend, one column per sender; services in the order they come. */
export function trafficTable(observations: readonly Observation[], colour: boolean): readonly string[] {
  const rows = new Map<string, { service: string; frontend: string; cells: Map<Origin, Observation> }>();
  for (const observation of observations) {
    const { service, frontend, origin } = observation.expectation;
    const key = `${service} ${frontend}`;
    const row = rows.get(key) ?? { service, frontend, cells: new Map<Origin, Observation>() };
    row.cells.set(origin, observation);
    rows.set(key, row);
  }
  const lines = [['Service', 'destination', ...COLUMNS.map((origin) => `from ${origin}`)]];
  let lastService = '';
  for (const { service, frontend, cells } of rows.values()) {
    lines.push([service === lastService ? '' : service, frontend, ...COLUMNS.map((origin) => cell(cells.get(origin)))]);
    lastService = service;
  }
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0))) ?? [];
  return lines.map((line, i) => {
    const text = line
      .map((part, column) => part.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
    if (!colour) return `  ${text}`;
    return `  ${i === 0 ? `\u001B[2m${text}\u001B[0m` : text.replaceAll('✓', '\u001B[32m✓\u001B[0m').replaceAll('✗', '\u001B[31m✗\u001B[0m')}`;
  });
}

function cell(observation: Observation | undefined): string {
  if (observation === undefined) return '';
  return `${observation.held ? '✓' : '✗'} ${observation.seen}`;
}
