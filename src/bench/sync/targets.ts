import type { TargetVerdict, Unit } from '../report/report.ts';
import type { Summary } from '../statistics.ts';
import type { CaseResult, Outcome } from './case.ts';
import { sizeText } from './options.ts';

/** One promise: what it is about, how it is read off a case, how much it may be. */
interface Target {
  readonly contender: string;
  readonly services: number;
  readonly endpoints: number;
  readonly what: string;
  readonly unit: Unit;
  readonly atMost: number;
  /** `undefined` when the run lacks what it needs. */
  readonly read: (found: CaseResult, all: readonly CaseResult[]) => number | undefined;
}

type Size = Pick<Target, 'services' | 'endpoints' | 'atMost'>;

/** What this version wants to reach on a small server (two cores). Ratios say more than absolute figures. */
const TARGETS: readonly Target[] = [
  ...inMs({ contender: 'nft', what: 'cold load, median', read: ofTotal('cold load', 'p50') }, [
    { services: 10_000, endpoints: 4, atMost: 800 },
    { services: 50_000, endpoints: 4, atMost: 4000 },
    { services: 100_000, endpoints: 1, atMost: 4000 },
  ]),
  ...inMs({ contender: 'nft', what: 'one endpoint changed, median', read: ofTotal('one endpoint changed', 'p50') }, [
    { services: 10_000, endpoints: 4, atMost: 1 },
    { services: 100_000, endpoints: 1, atMost: 1 },
  ]),
  ...inMs({ contender: 'nft', what: 'one endpoint changed, p99', read: ofTotal('one endpoint changed', 'p99') }, [
    { services: 10_000, endpoints: 4, atMost: 5 },
    { services: 100_000, endpoints: 1, atMost: 5 },
  ]),
  {
    contender: 'nft',
    services: 100_000,
    endpoints: 1,
    what: 'one endpoint changed, median, as a multiple of that with 1,000 Services',
    unit: 'ratio',
    atMost: 1.5,
    read: changeAgainstFewer,
  },
  ...inMs({ contender: 'nft', what: 'burst of 1,000 changes, median', read: ofTotal('1,000 changes', 'p50') }, [
    { services: 10_000, endpoints: 4, atMost: 100 },
  ]),
  ...inMs(
    {
      contender: 'nft',
      what: 'one endpoint of 5,000 less, median',
      read: ofTotal('one endpoint of 5,000 less', 'p50'),
    },
    [{ services: 10_000, endpoints: 4, atMost: 2 }],
  ),
  ...inMs({ contender: 'nft', what: 'sluice’s own part of one change, p99', read: ownPart }, [
    { services: 100_000, endpoints: 1, atMost: 0.3 },
  ]),
  ...inMs(
    {
      contender: 'nft',
      what: 'longest pause for garbage collection while single endpoints change',
      read: longestPause,
    },
    [{ services: 100_000, endpoints: 1, atMost: 20 }],
  ),
  ...inMs({ contender: 'nft', what: 'longest stall of the event loop in a full verification', read: longestStall }, [
    { services: 10_000, endpoints: 4, atMost: 20 },
  ]),
  {
    contender: 'nft',
    services: 50_000,
    endpoints: 4,
    what: 'memory per Service',
    unit: 'bytes',
    atMost: 6000,
    read: ({ footprint, spec }) => footprint.residentBytes / spec.services,
  },
  ...inMs({ contender: 'iptables-nft', what: 'cold load, median', read: ofTotal('cold load', 'p50') }, [
    { services: 10_000, endpoints: 4, atMost: 4000 },
  ]),
  ...inMs(
    { contender: 'iptables-nft', what: 'one endpoint changed, median', read: ofTotal('one endpoint changed', 'p50') },
    [{ services: 10_000, endpoints: 4, atMost: 30 }],
  ),
  ...inMs({ contender: 'iptables-legacy', what: 'cold load, median', read: ofTotal('cold load', 'p50') }, [
    { services: 10_000, endpoints: 4, atMost: 800 },
  ]),
  ...inMs(
    {
      contender: 'iptables-legacy',
      what: 'one endpoint changed, median',
      read: ofTotal('one endpoint changed', 'p50'),
    },
    [{ services: 10_000, endpoints: 4, atMost: 250 }],
  ),
];

/** What came of each promise in this run. */
export function verdictsOf(results: readonly CaseResult[]): readonly TargetVerdict[] {
  return TARGETS.map(({ contender, services, endpoints, what, unit, atMost, read }) => {
    const found = results.find(
      ({ spec }) => spec.contender === contender && spec.services === services && spec.endpoints === endpoints,
    );
    const value = found === undefined ? undefined : read(found, results);
    return { name: `${contender}, ${sizeText(services, endpoints)}: ${what}`, unit, atMost, value: value ?? null };
  });
}

function outcomeOf(result: CaseResult, operation: string): Outcome | undefined {
  return result.outcomes.find((outcome) => outcome.operation === operation);
}

function inMs(promise: Pick<Target, 'contender' | 'what' | 'read'>, sizes: readonly Size[]): readonly Target[] {
  return sizes.map((size) => ({ ...promise, ...size, unit: 'ms' }));
}

function ofTotal(operation: string, statistic: keyof Summary): Target['read'] {
  return (result) => outcomeOf(result, operation)?.total[statistic];
}

function ownPart(result: CaseResult): number | undefined {
  return outcomeOf(result, 'one endpoint changed')?.detail?.own.p99;
}

function longestStall({ strains }: CaseResult): number | undefined {
  return strains.find(({ scenario }) => scenario === 'verify')?.stallMs;
}

function longestPause({ strains }: CaseResult): number | undefined {
  return strains.find(({ scenario }) => scenario === 'change')?.longestGcMs;
}

function changeAgainstFewer(found: CaseResult, all: readonly CaseResult[]): number | undefined {
  const { contender, endpoints } = found.spec;
  const fewer = all.find(
    ({ spec }) => spec.contender === contender && spec.endpoints === endpoints && spec.services === 1000,
  );
  const median = ofTotal('one endpoint changed', 'p50');
  const [many, few] = [median(found, all), fewer === undefined ? undefined : median(fewer, all)];
  return many === undefined || few === undefined ? undefined : many / few;
}
