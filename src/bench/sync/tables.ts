import type { Table } from '../report/report.ts';
import type { ColumnOf } from '../report/table.ts';
import { number, tableOf, text } from '../report/table.ts';
import type { CaseResult, Outcome, ScenarioStrain } from './case.ts';
import { sizeText } from './options.ts';
import { STAGES } from './sample.ts';

/** An operation, and the case that it was measured in. */
export interface OutcomeRow {
  readonly result: CaseResult;
  readonly outcome: Outcome;
}

export interface StrainRow {
  readonly result: CaseResult;
  readonly strain: ScenarioStrain;
}

const OUTCOME_COLUMNS: readonly ColumnOf<OutcomeRow>[] = [
  ...caseColumns<OutcomeRow>(({ result }) => result),
  text('operation', ({ outcome }) => outcome.operation),
];

/** How long it took, and how much was written. */
export function latencyTable(rows: readonly OutcomeRow[]): Table {
  return tableOf('event → acknowledged', rows, [
    ...OUTCOME_COLUMNS,
    number('p50', 'ms', ({ outcome }) => outcome.total.p50),
    number('p90', 'ms', ({ outcome }) => outcome.total.p90),
    number('p99', 'ms', ({ outcome }) => outcome.total.p99),
    number('max', 'ms', ({ outcome }) => outcome.total.max),
    number('samples', 'count', ({ outcome }) => outcome.total.count),
    number('kernel floor', 'ms', ({ outcome }) => outcome.floor?.p50),
    number('written', 'bytes', ({ outcome }) => outcome.detail?.bytes.p50),
    number('rules changed', 'count', ({ outcome }) => outcome.detail?.changes.p50),
  ]);
}

/** Where the time went; of operations of which only the total was measured there is no row. */
export function stageTable(rows: readonly OutcomeRow[]): Table {
  const detailed = rows.filter(({ outcome }) => outcome.detail !== undefined);
  return tableOf('stages, median and p99', detailed, [
    ...OUTCOME_COLUMNS,
    ...STAGES.flatMap((stage) => [
      number<OutcomeRow>(stage, 'ms', ({ outcome }) => outcome.detail?.stages[stage].p50),
      number<OutcomeRow>('p99', 'ms', ({ outcome }) => outcome.detail?.stages[stage].p99),
    ]),
    number('of it sluice', 'ms', ({ outcome }) => outcome.detail?.own.p50),
    number('p99', 'ms', ({ outcome }) => outcome.detail?.own.p99),
  ]);
}

export function strainTable(rows: readonly StrainRow[]): Table {
  return tableOf('what it took from the machine', rows, [
    ...caseColumns<StrainRow>(({ result }) => result),
    number('peak memory', 'bytes', ({ strain }) => strain.peakBytes),
    number('of a child', 'bytes', ({ strain }) => strain.childPeakBytes),
    number('longest stall', 'ms', ({ strain }) => strain.stallMs),
    number('longest GC pause', 'ms', ({ strain }) => strain.longestGcMs),
    number('GC in all', 'ms', ({ strain }) => strain.gcMs),
    number('own CPU in all', 'ms', ({ strain }) => strain.cpuMs),
  ]);
}

export function footprintTable(results: readonly CaseResult[]): Table {
  return tableOf('first load', results, [
    ...caseColumns<CaseResult>((result) => result),
    number('first', 'ms', ({ firstMs }) => firstMs),
    number('resident', 'bytes', ({ footprint }) => footprint.residentBytes),
    number('heap', 'bytes', ({ footprint }) => footprint.heapBytes),
    number('resident per Service', 'bytes', ({ spec, footprint }) => footprint.residentBytes / spec.services),
  ]);
}

function caseColumns<Row>(resultOf: (row: Row) => CaseResult): readonly ColumnOf<Row>[] {
  return [
    text('backend', (row) => resultOf(row).spec.contender),
    text('size', (row) => {
      const { services, endpoints } = resultOf(row).spec;
      return sizeText(services, endpoints);
    }),
  ];
}
