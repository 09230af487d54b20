import type { BenchReport, Chart, Section, Skipped, Table, TargetVerdict, Unit } from '../report/report.ts';
import { REPORT_FORMAT } from '../report/report.ts';
import { percentile } from '../statistics.ts';
import { spell } from '../units.ts';
import type { CompareOutcome, CompareResult } from './compare.ts';
import type { ContenderSpec } from './contender.ts';
import type { Effort, RunSample } from './measure.ts';
import { CHANGES, CHANGES_PER_SECOND, ROUNDS_BUDGET_MS } from './measure.ts';
import { SLUICE } from './peers.ts';

export interface CompareDetails extends CompareResult {
  /** Without their commands as they were run: these are of one machine. */
  readonly contenders: readonly Named[];
}

type Named = Pick<ContenderSpec, 'name' | 'shown'>;

export type CompareReport = BenchReport<CompareDetails>;

export type CompareFrame = Pick<BenchReport, 'command' | 'seed' | 'startedAt' | 'durationMs' | 'machine'> & {
  readonly runs: number;
  readonly effort: Effort;
  /** Was it a real one? */
  readonly kubeApiServer: boolean;
  readonly minSyncPeriod: string | undefined;
};

interface Figure {
  readonly what: string;
  readonly unit: Unit;
  /** `undefined` when the contender has no such thing. */
  readonly value: (sample: RunSample) => number | undefined;
}

const share = (samples: readonly number[], of: number): number | undefined =>
  samples.length === 0 ? undefined : percentile(samples, of);

const SPELT_CHANGES = {
  created: 'Service created → first packet',
  switched: 'endpoint replaced → first packet',
  deleted: 'Service deleted → no connection',
} as const;

const FIGURES: readonly Figure[] = [
  { what: 'process start → first packet', unit: 'ms', value: ({ startMs }) => startMs },
  { what: 'processor time until then', unit: 'ms', value: ({ startCpuMs }) => startCpuMs },
  ...CHANGES.flatMap((change): Figure[] => [
    { what: `${SPELT_CHANGES[change]}, p50`, unit: 'ms', value: ({ changes }) => share(changes[change], 0.5) },
    { what: `${SPELT_CHANGES[change]}, p99`, unit: 'ms', value: ({ changes }) => share(changes[change], 0.99) },
  ]),
  { what: 'processor time per change', unit: 'ms', value: ({ changeCpuMs }) => changeCpuMs },
  { what: 'memory, rules in place', unit: 'bytes', value: ({ loadedBytes }) => loadedBytes },
  { what: 'processor, idle (of one core)', unit: 'percent', value: ({ idleCpu }) => idleCpu * 100 },
  {
    what: `processor, ${CHANGES_PER_SECOND} changes/s (of one core)`,
    unit: 'percent',
    value: ({ churnCpu }) => (churnCpu === undefined ? undefined : churnCpu * 100),
  },
  {
    what: `endpoint replaced → first packet, at ${CHANGES_PER_SECOND} changes/s, p50`,
    unit: 'ms',
    value: ({ switchedBusy }) => share(switchedBusy, 0.5),
  },
  { what: 'memory after these changes', unit: 'bytes', value: ({ churnedBytes }) => churnedBytes },
  { what: 'most memory ever', unit: 'bytes', value: ({ peakBytes }) => peakBytes },
  { what: 'longest delay of the event loop, at most', unit: 'ms', value: ({ longestDelayMs }) => longestDelayMs },
];

/** What sluice alone is held to, at the sizes it was promised for. */
const TARGETS: readonly (Figure & { readonly services: number; readonly atMost: number })[] = [
  ...CHANGES.map((change) => ({
    what: `${SPELT_CHANGES[change]}, median`,
    unit: 'ms' as const,
    services: 1000,
    atMost: 20,
    value: ({ changes }: RunSample) => share(changes[change], 0.5),
  })),
  { what: 'process start → first packet', unit: 'ms', services: 10_000, atMost: 3000, value: ({ startMs }) => startMs },
  { what: 'memory', unit: 'bytes', services: 10_000, atMost: 200e6, value: ({ loadedBytes }) => loadedBytes },
  {
    what: 'memory after churn',
    unit: 'bytes',
    services: 10_000,
    atMost: 200e6,
    value: ({ churnedBytes }) => churnedBytes,
  },
  { what: 'idle', unit: 'percent', services: 10_000, atMost: 2, value: ({ idleCpu }) => idleCpu * 100 },
  {
    what: `${CHANGES_PER_SECOND} changes/s, of one core`,
    unit: 'percent',
    services: 10_000,
    atMost: 40,
    value: ({ churnCpu }) => (churnCpu === undefined ? undefined : churnCpu * 100),
  },
  {
    what: 'longest delay of the event loop',
    unit: 'ms',
    services: 10_000,
    atMost: 50,
    value: ({ longestDelayMs }) => longestDelayMs,
  },
];

export function compareReport(details: CompareDetails, frame: CompareFrame): CompareReport {
  const { runs, effort, kubeApiServer, minSyncPeriod, ...rest } = frame;
  const { contenders, outcomes } = details;
  const sizes = [...new Set(outcomes.map(({ services }) => services))];
  const sync = minSyncPeriod === undefined ? 'its own default (kube-proxy: 1 s)' : minSyncPeriod;
  const peers = contenders.length > 1;
  return {
    format: REPORT_FORMAT,
    bench: 'compare',
    title: peers ? 'sluice and others, seen from outside' : 'sluice, seen from outside',
    summary:
      'What a cluster and its users see of a service proxy: an API server on one side, connections to Services on the other, and nothing known of what is between.',
    ...rest,
    method: [
      ...contenders.map(({ name, shown }) => `${name}: ${shown}`),
      `The API server is ${kubeApiServer ? 'a kube-apiserver with etcd, behind a forwarder' : 'our own, in memory'}, in a process of its own, without TLS.`,
      `Each contender in turn, ${runs} × per size, in a fresh network namespace, by the same configuration file; the least time between two syncs is ${sync}.`,
      `A change is timed from the API server's answer to the first connection that shows it; connections are tried every 0.2 ms. A Service is created by two writes, its slice and itself. Between two changes there are ${effort.pauseMs} ms; ${effort.rounds} rounds, fewer where they take more than ${ROUNDS_BUDGET_MS / 1000} s.`,
      'Memory is resident memory of the process and its children, processor time that of both, children that have ended included.',
      'Every Service has 4 endpoints.',
    ],
    targets: TARGETS.map((target) => verdict(target, outcomes)),
    skipped: [...details.skipped, ...(kubeApiServer ? [] : NO_REAL_SERVER)],
    sections: [
      ...sizes.map((services) => sectionOf(services, outcomes, contenders)),
      ...(sizes.length > 1 ? [growth(sizes, outcomes, contenders)] : []),
    ],
    details,
  };
}

const NO_REAL_SERVER: readonly Skipped[] = [
  { what: 'a real API server', reason: 'KUBEBUILDER_ASSETS names no folder with kube-apiserver and etcd' },
];

function verdict(target: (typeof TARGETS)[number], outcomes: readonly CompareOutcome[]): TargetVerdict {
  const { what, unit, services, atMost } = target;
  const own = outcomes.find((one) => one.contender === SLUICE && one.services === services);
  const value = own === undefined ? undefined : target.value(own.sample);
  return { name: `${services.toLocaleString('en-GB')} Services: ${what}`, unit, atMost, value: value ?? null };
}

function sectionOf(services: number, outcomes: readonly CompareOutcome[], contenders: readonly Named[]): Section {
  const samples = contenders.map(
    ({ name }) => outcomes.find((one) => one.contender === name && one.services === services)?.sample,
  );
  const valuesOf = ({ value }: Figure) => samples.map((sample) => (sample === undefined ? undefined : value(sample)));
  const chart: Chart = {
    kind: 'bar',
    title: 'From the API server to the first packet, median',
    categories: CHANGES.map((change) => change),
    y: { label: 'median', unit: 'ms', scale: 'log' },
    series: contenders.map(({ name }, i) => ({
      name,
      values: CHANGES.map((change) => share(samples[i]?.changes[change] ?? [], 0.5) ?? null),
    })),
  };
  const table: Table = {
    title: 'From outside',
    columns: [
      { heading: '' },
      ...contenders.map(({ name }) => ({ heading: name })),
      ...contenders.slice(1).map(({ name }) => ({ heading: `${name} ÷ ${SLUICE}`, unit: 'ratio' as const })),
    ],
    rows: FIGURES.flatMap((figure) => {
      const values = valuesOf(figure);
      if (values.every((value) => value === undefined)) return [];
      const [own, ...peers] = values;
      const ratios = peers.map((value) => (own === undefined || value === undefined || own === 0 ? null : value / own));
      return [
        [figure.what, ...values.map((value) => (value === undefined ? null : spell(value, figure.unit))), ...ratios],
      ];
    }),
  };
  return {
    title: `${services.toLocaleString('en-GB')} Services`,
    text: samples
      .flatMap((sample, i) => (sample === undefined ? [] : `${contenders[i]?.name}: ${sample.processes.join(', ')}`))
      .join('; '),
    charts: [chart],
    tables: [table],
  };
}

function growth(sizes: readonly number[], outcomes: readonly CompareOutcome[], contenders: readonly Named[]): Section {
  const chart = (title: string, unit: Unit, value: Figure['value']): Chart => ({
    kind: 'line',
    title,
    x: { label: 'Services', unit: 'count', scale: 'log' },
    y: { label: 'median', unit, scale: 'log' },
    series: contenders.map(({ name }) => ({
      name,
      points: sizes.flatMap((services) => {
        const found = outcomes.find((one) => one.contender === name && one.services === services);
        const y = found === undefined ? undefined : value(found.sample);
        return y === undefined ? [] : [{ x: services, y }];
      }),
    })),
  });
  return {
    title: 'As the cluster grows',
    charts: [
      chart('Process start → first packet', 'ms', ({ startMs }) => startMs),
      chart('Endpoint replaced → first packet', 'ms', ({ changes }) => share(changes.switched, 0.5)),
      chart('Memory, rules in place', 'bytes', ({ loadedBytes }) => loadedBytes),
    ],
    tables: [],
  };
}
