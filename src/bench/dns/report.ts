import type { BenchReport, Section, TargetVerdict } from '../report/report.ts';
import { REPORT_FORMAT } from '../report/report.ts';
import { number, tableOf, text } from '../report/table.ts';
import type { DnsOutcome } from './dns.ts';
import { CHURN_RATE, RATE } from './dns.ts';

/** What the report says of itself; the rest is made of the outcomes. */
export type DnsFrame = Pick<BenchReport, 'command' | 'seed' | 'startedAt' | 'durationMs' | 'machine'> & {
  readonly services: number;
  readonly durationS: number;
  readonly churnS: number;
};

export type DnsReport = BenchReport<readonly DnsOutcome[]>;

/** sluice's own goals. Rates are told as time, since a target is what a figure may be at most. */
const GOALS: readonly {
  readonly what: string;
  readonly atMost: number;
  readonly unit: TargetVerdict['unit'];
  readonly value: (outcome: DnsOutcome) => number;
}[] = [
  {
    what: '1,000 cluster names (65,000/s)',
    atMost: 1_000_000 / 65_000,
    unit: 'ms',
    value: ({ cluster }) => 1_000_000 / cluster.perSecond,
  },
  { what: 'processor for a cluster name', atMost: 0.01, unit: 'ms', value: ({ cluster }) => cluster.cpuUs / 1000 },
  {
    what: `cluster names at ${RATE.toLocaleString('en-GB')}/s, p99`,
    atMost: 3,
    unit: 'ms',
    value: ({ p99Ms }) => p99Ms,
  },
  {
    what: '1,000 cached other names (50,000/s)',
    atMost: 1_000_000 / 50_000,
    unit: 'ms',
    value: ({ cached }) => 1_000_000 / cached.perSecond,
  },
  { what: 'memory of its own, loaded', atMost: 60e6, unit: 'bytes', value: ({ loaded }) => loaded.privateBytes },
  { what: 'memory of its own, after churn', atMost: 60e6, unit: 'bytes', value: ({ churned }) => churned.privateBytes },
  {
    what: 'from a stored change to the changed answer, median',
    atMost: 5,
    unit: 'ms',
    value: ({ changeMs }) => changeMs,
  },
];

export function dnsReport(
  outcomes: readonly DnsOutcome[],
  { services, durationS, churnS, ...frame }: DnsFrame,
): DnsReport {
  const [own] = outcomes;
  return {
    format: REPORT_FORMAT,
    bench: 'dns',
    title: 'Answering DNS queries',
    summary: `How many queries a DNS server of a cluster of ${services.toLocaleString('en-GB')} Services answers on one machine with those who ask, what that costs, and how soon it knows of a change.`,
    ...frame,
    method: [
      'Server, dnsperf with 8 sockets, and an API server in memory are on the same machine, on loopback; servers are measured one after the other.',
      `Each figure is of ${durationS} s after 1 s of warming up. Names of Services are asked for at random, other names out of 100 that an upstream of the benchmark has answered before.`,
      'Processor time and memory are those of the whole process, the watch of the API included. Memory is what is resident (RSS), files such as the program that is run included, and of that what is its own (RssAnon).',
      `Memory is looked at 3 s after the load of all Services, and 3 s after all queries and ${churnS} s in which ${CHURN_RATE} endpoints a second changed.`,
      'A change is another address of a Service; the clock runs from the order to the API server until a client, which asks every millisecond, has the new address.',
    ],
    targets:
      own === undefined
        ? []
        : GOALS.map(({ what, atMost, unit, value }) => ({
            name: `${own.contender}: ${what}`,
            atMost,
            unit,
            value: value(own),
          })),
    skipped: [],
    sections: [serversOf(outcomes)],
    details: outcomes,
  };
}

function serversOf(outcomes: readonly DnsOutcome[]): Section {
  return {
    title: 'Servers',
    charts: [
      {
        kind: 'bar',
        title: 'Queries answered',
        categories: ['cluster names', 'cached other names'],
        y: { label: 'per second', unit: 'per-second', scale: 'linear' },
        series: outcomes.map(({ contender, cluster, cached }) => ({
          name: contender,
          values: [cluster.perSecond, cached.perSecond],
        })),
      },
    ],
    tables: [
      tableOf('Queries', outcomes, [
        text('Server', ({ contender }) => contender),
        number('cluster names', 'per-second', ({ cluster }) => cluster.perSecond),
        number('processor each', 'ms', ({ cluster }) => cluster.cpuUs / 1000),
        number('cached other names', 'per-second', ({ cached }) => cached.perSecond),
        number('processor each', 'ms', ({ cached }) => cached.cpuUs / 1000),
        number('lost', 'count', ({ cluster, cached }) => cluster.lost + cached.lost),
        number(`p99 at ${RATE.toLocaleString('en-GB')}/s`, 'ms', ({ p99Ms }) => p99Ms),
        number('change seen after', 'ms', ({ changeMs }) => changeMs),
      ]),
      tableOf('Memory', outcomes, [
        text('Server', ({ contender }) => contender),
        number('resident, loaded', 'bytes', ({ loaded }) => loaded.residentBytes),
        number('its own', 'bytes', ({ loaded }) => loaded.privateBytes),
        number('resident, after churn', 'bytes', ({ churned }) => churned.residentBytes),
        number('its own', 'bytes', ({ churned }) => churned.privateBytes),
      ]),
    ],
  };
}
