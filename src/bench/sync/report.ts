import type { Machine } from '../machine.ts';
import type { BenchReport, Chart, Section, Series, Skipped } from '../report/report.ts';
import { REPORT_FORMAT } from '../report/report.ts';
import type { CaseResult, Outcome } from './case.ts';
import { sizeText } from './options.ts';
import { STAGE_TEXT, STAGES } from './sample.ts';
import type { ScenarioId } from './scenarios.ts';
import { SCENARIO_IDS, SCENARIOS } from './scenarios.ts';
import { footprintTable, latencyTable, stageTable, strainTable } from './tables.ts';
import { verdictsOf } from './targets.ts';

export interface SyncReportParts {
  readonly results: readonly CaseResult[];
  readonly skipped: readonly Skipped[];
  readonly machine: Machine;
  readonly command: string;
  readonly seed: number;
  readonly startedAt: Date;
  readonly durationMs: number;
}

/** Everything that `sluice bench sync` measured. */
export type SyncReport = BenchReport<{ readonly cases: readonly CaseResult[] }>;

const METHOD: readonly string[] = [
  'Each backend and size is measured in a process of its own, with the memory settings of the daemon, in a private network namespace; real tools and the real kernel, IPv4.',
  'The clock stops when the kernel has acknowledged. What makes up objects and chooses Services is not in any figure.',
  'The first load of a process (“first”) runs on cold code, as on a node that starts; the others are warm.',
  'The kernel floor is what the backend’s own tool needs for the very same batches, fed by nothing but a clock: no sluice in front of it.',
  `Stages: ${STAGES.map((stage) => STAGE_TEXT[stage]).join('; ')}.`,
  'A first load with nft is written in slices, one compiled and spelled while nft is busy with the one before; and while nft reads the rules at a start, ours are compiled. Every moment counts once: as “compile” or “encode” when sluice worked, as “read” or “acknowledge” when it only waited; so these two are shorter than what nft needs.',
  'Peak memory of child processes is that of the largest, looked at every 20 ms; a stall is the longest time during which the event loop did not turn.',
];

export function syncReport(parts: SyncReportParts): SyncReport {
  const { results, skipped, machine, command, seed, startedAt, durationMs } = parts;
  return {
    format: REPORT_FORMAT,
    bench: 'sync',
    title: 'Rule-sync latency',
    summary:
      'How long it takes from an event in hand until the kernel has acknowledged the rules that follow from it, for each way of writing rules.',
    command,
    seed,
    startedAt: startedAt.toISOString(),
    durationMs,
    machine,
    method: METHOD,
    targets: verdictsOf(results),
    skipped,
    sections: [
      ...SCENARIO_IDS.flatMap((scenario) => scenarioSection(scenario, results)),
      ...(results.length === 0 ? [] : [footprintSection(results)]),
    ],
    details: { cases: results },
  };
}

function scenarioSection(scenario: ScenarioId, results: readonly CaseResult[]): readonly Section[] {
  const rows = results.flatMap((result) =>
    result.outcomes.filter((outcome) => outcome.scenario === scenario).map((outcome) => ({ result, outcome })),
  );
  const strains = results.flatMap((result) =>
    result.strains.filter((strain) => strain.scenario === scenario).map((strain) => ({ result, strain })),
  );
  if (rows.length === 0) return [];
  const { title, text } = SCENARIOS[scenario];
  const operations = [...new Set(rows.map(({ outcome }) => outcome.operation))];
  return [
    {
      title,
      text,
      charts: operations.flatMap((operation) => operationCharts(operation, results)),
      tables: [latencyTable(rows), stageTable(rows), strainTable(strains)],
    },
  ];
}

/** Over the number of Services where there are several, for each number of endpoints. */
function operationCharts(operation: string, results: readonly CaseResult[]): readonly Chart[] {
  const found = results.flatMap((result) => {
    const outcome = result.outcomes.find((one) => one.operation === operation);
    return outcome === undefined ? [] : [{ ...result.spec, outcome }];
  });
  const endpointCounts = [...new Set(found.map(({ endpoints }) => endpoints))];
  return endpointCounts.flatMap((endpoints): readonly Chart[] => {
    const ofThis = found.filter((one) => one.endpoints === endpoints);
    const y = { label: 'event → acknowledged', unit: 'ms', scale: 'log' } as const;
    const contenders = [...new Set(ofThis.map(({ contender }) => contender))];
    const [size, ...others] = new Set(ofThis.map(({ services }) => services));
    if (size !== undefined && others.length === 0) {
      return [barChart(`${capitalized(operation)}, ${sizeText(size, endpoints)}`, ofThis, y)];
    }
    const title = `${capitalized(operation)}, ${endpoints} endpoint${endpoints === 1 ? '' : 's'} per Service, median`;
    const series = contenders.flatMap((contender) => seriesOf(contender, ofThis));
    return [{ kind: 'line', title, x: { label: 'Services', unit: 'count', scale: 'log' }, y, series }];
  });
}

interface Found {
  readonly contender: string;
  readonly services: number;
  readonly outcome: Outcome;
}

function seriesOf(contender: string, found: readonly Found[]): readonly Series[] {
  const own = found.filter((one) => one.contender === contender);
  const points = own.map(({ services, outcome }) => ({ x: services, y: outcome.total.p50 }));
  const floors = own.flatMap(({ services, outcome: { floor } }) =>
    floor === undefined ? [] : [{ x: services, y: floor.p50 }],
  );
  return [
    { name: contender, points },
    ...(floors.length === 0 ? [] : [{ name: `${contender}: kernel floor`, points: floors, floor: true }]),
  ];
}

function barChart(title: string, found: readonly Found[], y: { label: string; unit: 'ms'; scale: 'log' }): Chart {
  const floors = found.map(({ outcome }) => outcome.floor?.p50 ?? null);
  return {
    kind: 'bar',
    title,
    categories: found.map(({ contender }) => contender),
    y,
    series: [
      { name: 'median', values: found.map(({ outcome }) => outcome.total.p50) },
      { name: 'p99', values: found.map(({ outcome }) => outcome.total.p99) },
      ...(floors.every((floor) => floor === null) ? [] : [{ name: 'kernel floor', values: floors, floor: true }]),
    ],
  };
}

function footprintSection(results: readonly CaseResult[]): Section {
  return {
    title: 'First load and memory',
    text: 'The first load of a fresh process, and what the objects and their rules then keep of its memory after a collection.',
    charts: [],
    tables: [footprintTable(results)],
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
