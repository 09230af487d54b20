import type { Axis, BenchReport, Chart, Point, Section, Table, TargetVerdict } from '../report/report.ts';
import { REPORT_FORMAT } from '../report/report.ts';
import { number, tableOf, text } from '../report/table.ts';
import type { PacketsOutcome, PacketsResult } from './packets.ts';
import type { Position } from './programmed.ts';
import { POSITIONS } from './programmed.ts';

const LABELS: Readonly<Record<Position, string>> = {
  direct: 'direct',
  first: 'first Service',
  middle: 'middle Service',
  last: 'last Service',
};

/** What the report says of itself; the rest is made of the result. */
export type PacketsFrame = Pick<BenchReport, 'command' | 'seed' | 'startedAt' | 'durationMs' | 'machine'> & {
  readonly runs: number;
  readonly rounds: number;
  readonly batch: number;
};

export type PacketsReport = BenchReport<PacketsResult>;

/** Connections through few and many Services are to cost the same, give or take noise. */
const GROWTH_AT_MOST = 1.1;

export function packetsReport(result: PacketsResult, { runs, rounds, batch, ...frame }: PacketsFrame): PacketsReport {
  const contenders = [...new Set(result.outcomes.map(({ contender }) => contender))];
  return {
    format: REPORT_FORMAT,
    bench: 'packets',
    title: 'Connecting through Services',
    summary:
      'How long a TCP connection from a pod to a Service takes, and how many can be made, as the cluster grows: through the Service that was made first, one in the middle and the last one, and straight to the endpoint.',
    ...frame,
    method: [
      'A pod and the endpoints are network namespaces, linked by the node, which has the rules: veth, bridge, routing and connection tracking as on a node.',
      `Each figure is of ${runs} × ${rounds} batches of ${batch} connections. The batches of all targets take turns, so that noise meets all alike; "× direct" is the median of the ratios of neighbouring batches.`,
      'Latency is that of connect(2) alone. Connections per second are those of one client that makes and resets one after the other: of one core, and of what the client itself costs.',
      'Every Service has 4 endpoints; those that are asked have 4 addresses of one server.',
    ],
    targets: contenders.flatMap((contender) => growthTarget(result.outcomes, contender)),
    skipped: result.skipped,
    sections: [overview(result.outcomes, contenders), ...contenders.map((name) => sectionOf(result.outcomes, name))],
    details: result,
  };
}

/** How much slower the largest cluster is than the smallest, both against direct connections beside them. */
function growthTarget(outcomes: readonly PacketsOutcome[], contender: string): readonly TargetVerdict[] {
  if (contender !== 'nft') return []; // Only nft promises it.
  const last = outcomes
    .filter((one) => one.contender === contender && (one.position === 'last' || one.services === 1))
    .toSorted((a, b) => a.services - b.services);
  const [smallest, largest] = [last[0], last.at(-1)];
  if (smallest === undefined || largest === undefined || smallest === largest) return [];
  const sizes = `${largest.services.toLocaleString('en-GB')} Services against ${smallest.services.toLocaleString('en-GB')}`;
  const value = largest.timesDirect / smallest.timesDirect;
  return [
    {
      name: `${contender}: connecting through the last of ${sizes}, median`,
      atMost: GROWTH_AT_MOST,
      value,
      unit: 'ratio',
    },
  ];
}

function overview(outcomes: readonly PacketsOutcome[], contenders: readonly string[]): Section {
  const ofLast = (name: string) => at(outcomes, 'last').filter(({ contender }) => contender === name);
  const chart: Chart = {
    kind: 'line',
    title: 'Through the last Service, against direct',
    x: SERVICES_AXIS,
    y: { label: 'median latency, × direct', unit: 'ratio', scale: 'log' },
    series: [
      { name: 'direct', floor: true, points: at(outcomes, 'direct').map(({ services }) => ({ x: services, y: 1 })) },
      ...contenders.map((name) => ({ name, points: lineOf(ofLast(name), ({ timesDirect }) => timesDirect) })),
    ],
  };
  return { title: 'Backends', charts: [chart], tables: [] };
}

function sectionOf(outcomes: readonly PacketsOutcome[], contender: string): Section {
  const own = outcomes.filter((outcome) => outcome.contender === contender);
  const chart = (y: Axis, title: string, value: (outcome: PacketsOutcome) => number): Chart => ({
    kind: 'line',
    title,
    x: SERVICES_AXIS,
    y,
    series: POSITIONS.filter((position) => at(own, position).length > 0).map((position) => ({
      name: LABELS[position],
      ...(position === 'direct' ? { floor: true } : {}),
      points: lineOf(at(own, position), value),
    })),
  });
  const latency: Axis = { label: 'median', unit: 'ms', scale: 'log' };
  const rate: Axis = { label: 'per second', unit: 'per-second', scale: 'log' };
  return {
    title: contender,
    charts: [
      chart(latency, 'Connect latency', ({ latencyUs }) => latencyUs.p50 / 1000),
      chart(rate, 'Connections', ({ perSecond }) => perSecond),
    ],
    tables: [connectionTable(own)],
  };
}

const SERVICES_AXIS: Axis = { label: 'Services', unit: 'count', scale: 'log' };

function at(outcomes: readonly PacketsOutcome[], position: Position): readonly PacketsOutcome[] {
  return outcomes.filter((outcome) => outcome.position === position);
}

function lineOf(outcomes: readonly PacketsOutcome[], y: (outcome: PacketsOutcome) => number): readonly Point[] {
  return outcomes.map((outcome) => ({ x: outcome.services, y: y(outcome) }));
}

function connectionTable(outcomes: readonly PacketsOutcome[]): Table {
  return tableOf('TCP connections', outcomes, [
    number('Services', 'count', ({ services }) => services),
    text('to', ({ position }) => LABELS[position]),
    number('p50', 'ms', ({ latencyUs }) => latencyUs.p50 / 1000),
    number('p99', 'ms', ({ latencyUs }) => latencyUs.p99 / 1000),
    number('× direct', 'ratio', ({ timesDirect }) => timesDirect),
    number('connections', 'per-second', ({ perSecond }) => perSecond),
  ]);
}
