import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../random.ts';
import { percentile } from '../statistics.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiOrder, ClusterSize } from './api-orders.ts';
import type { Contender } from './contender.ts';
import type { Delays } from './event-loop.ts';
import { longestDelayMs, readDelays } from './event-loop.ts';
import { nowMs } from './now.ts';
import type { Prober } from './prober.ts';
import { NOBODY } from './prober.ts';
import { ENDPOINTS, probeNumbered } from './workload.ts';

/** How much is measured. */
export interface Effort {
  /** A Service is created, switched to another endpoint and deleted so often. */
  readonly rounds: number;
  /** Between two of these changes: a proxy that syncs once a second at most is to be measured, not its pause. */
  readonly pauseMs: number;
  /** After the rules are in place: leftovers of other proxies are looked for, runtimes give back memory. */
  readonly settleMs: number;
  readonly idleMs: number;
  /** How long endpoints change, {@link CHANGES_PER_SECOND}. 0: not at all. */
  readonly churnMs: number;
}

export const CHANGES_PER_SECOND = 100;

/** The three changes of a round. */
export const CHANGES = ['created', 'switched', 'deleted'] as const;

export type Change = (typeof CHANGES)[number];

/** One contender, started once, in one cluster. Times are milliseconds. */
export interface RunSample {
  /** From the start of the process to the first packet through a Service. */
  readonly startMs: number;
  /** Processor time until then. */
  readonly startCpuMs: number;
  /** From the API server's answer to the first packet that shows the change. */
  readonly changes: Readonly<Record<Change, readonly number[]>>;
  /** Processor time per change, of those changes. */
  readonly changeCpuMs: number;
  /** Resident, of the process and its children. */
  readonly loadedBytes: number;
  /** Shares of one core. */
  readonly idleCpu: number;
  /** The rest is absent without churn. */
  readonly churnCpu?: number;
  /** Services switched to another endpoint meanwhile: as `changes`. */
  readonly switchedBusy: readonly number[];
  readonly churnedBytes?: number;
  /** The most that the process itself ever had. */
  readonly peakBytes: number;
  /** An upper bound; only of those that tell (sluice). */
  readonly longestDelayMs?: number;
  /** For people: `node 97 MB`. */
  readonly processes: readonly string[];
}

export interface MeasureOptions {
  readonly contender: Contender;
  readonly prober: Prober;
  readonly api: ApiClient;
  readonly size: ClusterSize;
  readonly effort: Effort;
  readonly doing: (what: string) => void;
}

/** 200 seconds is what the slowest known needs for 10,000 Services. */
const START_TIMEOUT_MS = 900_000;

/** The start takes seconds, so its clock may be coarser, and asks less of the machine. */
const START_PAUSE_MS = 2;

const CHANGE_TIMEOUT_MS = 120_000;

/** No further round is begun after this long: a contender may take seconds for each change. */
export const ROUNDS_BUDGET_MS = 120_000;

/** The prober has begun to ask by then. */
const HEAD_START_MS = 20;

/** There in every cluster from the beginning, with the first endpoint. */
export const FIRST_PROBE = probeNumbered(1);

const PASSING_PROBE = probeNumbered(2);

/** What users and operators of a node see of the contender that was just started. */
export async function measureRun(options: MeasureOptions): Promise<RunSample> {
  const { contender, prober, effort, doing } = options;
  doing('first sync');
  const startMs = await measureStart(contender, prober);
  const startCpuMs = contender.usage().cpuMs;
  doing('settling');
  await sleep(effort.settleMs);
  const loaded = contender.usage();
  const delays = await readDelays();
  doing('single changes');
  const { changes, cpuMs } = await measureChanges(options);
  doing('idle');
  const idleCpu = effort.idleMs === 0 ? 0 : await contender.cpuShare(effort.idleMs);
  const churned = effort.churnMs === 0 ? {} : await measureChurn(options, delays);
  const last = contender.usage();
  return {
    startMs,
    startCpuMs,
    changes,
    changeCpuMs: cpuMs,
    loadedBytes: loaded.residentBytes,
    idleCpu,
    switchedBusy: [],
    ...churned,
    peakBytes: last.peakBytes,
    processes: loaded.processes,
  };
}

/** @returns milliseconds from the start of the contender to the first packet through a Service that was there before. */
export async function measureStart(contender: Contender, prober: Prober): Promise<number> {
  const { address } = FIRST_PROBE;
  const [by] = ENDPOINTS;
  const answeredMs = await prober.untilAnswered({ address, by, timeoutMs: START_TIMEOUT_MS, pauseMs: START_PAUSE_MS });
  return answeredMs - contender.startedMs;
}

async function measureChanges({ contender, prober, api, effort }: MeasureOptions): Promise<{
  changes: RunSample['changes'];
  cpuMs: number;
}> {
  const changes: Record<Change, number[]> = { created: [], switched: [], deleted: [] };
  const { address, service, slice } = PASSING_PROBE;
  const [a, b] = [slice(ENDPOINTS[0]), slice(ENDPOINTS[1])];
  const endMs = nowMs() + ROUNDS_BUDGET_MS;
  const before = contender.usage().cpuMs;
  for (let round = 0; round < effort.rounds && nowMs() < endMs; round++) {
    const time = async (by: string, order: ApiOrder): Promise<number> => {
      await sleep(effort.pauseMs);
      return timeChange({ prober, api, address, by, order });
    };
    changes.created.push(await time(ENDPOINTS[0], { do: 'put', objects: [a, service] }));
    changes.switched.push(await time(ENDPOINTS[1], { do: 'put', objects: [b] }));
    changes.deleted.push(await time(NOBODY, { do: 'remove', objects: [service] }));
    await api.tell({ do: 'remove', objects: [b] });
  }
  const cpuMs = contender.usage().cpuMs - before;
  return { changes, cpuMs: cpuMs / (3 * Math.max(1, changes.created.length)) };
}

async function timeChange(options: {
  readonly prober: Prober;
  readonly api: ApiClient;
  readonly address: string;
  readonly by: string;
  readonly order: ApiOrder;
}): Promise<number> {
  const { prober, api, address, by, order } = options;
  const answered = prober.untilAnswered({ address, by, timeoutMs: CHANGE_TIMEOUT_MS });
  await sleep(HEAD_START_MS);
  const [storedMs, answeredMs] = await Promise.all([api.tell(order), answered]);
  return answeredMs - storedMs;
}

/** Between two switches, while other endpoints change: at least, and how much more by chance, lest they keep step with a contender. */
const BUSY_PAUSE_MS = { least: 500, chance: 1000 };

async function measureChurn(
  { contender, prober, api, size, effort: { churnMs }, doing }: MeasureOptions,
  delaysBefore: Delays,
): Promise<Partial<RunSample>> {
  doing(`${CHANGES_PER_SECOND} changes a second`);
  const { address, slice } = FIRST_PROBE;
  const cpu = contender.cpuShare(churnMs);
  await api.tell({ do: 'churn', ...size, perSecond: CHANGES_PER_SECOND, durationMs: churnMs });
  const switchedBusy: number[] = [];
  const random = seededRandom(size.seed);
  for (const endMs = nowMs() + churnMs; ; ) {
    const pauseMs = BUSY_PAUSE_MS.least + random.below(BUSY_PAUSE_MS.chance);
    if (nowMs() + pauseMs > endMs) break;
    await sleep(pauseMs);
    const by = ENDPOINTS[(switchedBusy.length + 1) % 2] ?? ENDPOINTS[0];
    switchedBusy.push(await timeChange({ prober, api, address, by, order: { do: 'put', objects: [slice(by)] } }));
  }
  await api.tell({ do: 'await-churn' });
  const churnCpu = await cpu;
  const after = contender.usage();
  await sleep(1500); // The metric of the last second comes a second later.
  const longest = longestDelayMs(delaysBefore, await readDelays());
  return {
    churnCpu,
    churnedBytes: after.residentBytes,
    switchedBusy,
    ...(longest === undefined ? {} : { longestDelayMs: longest }),
  };
}

/** Of several runs, one: samples together, single figures by their median. */
export function mergeRuns(runs: readonly RunSample[]): RunSample | undefined {
  const [first] = runs;
  if (first === undefined) return undefined;
  const medianOf = (figure: (run: RunSample) => number | undefined): number =>
    percentile(
      runs.map(figure).filter((value) => value !== undefined),
      0.5,
    );
  const all = (change: Change) => runs.flatMap(({ changes }) => changes[change]);
  const maybe = (key: 'churnCpu' | 'churnedBytes' | 'longestDelayMs') =>
    first[key] === undefined ? {} : { [key]: medianOf((run) => run[key]) };
  return {
    startMs: medianOf(({ startMs }) => startMs),
    startCpuMs: medianOf(({ startCpuMs }) => startCpuMs),
    changes: { created: all('created'), switched: all('switched'), deleted: all('deleted') },
    changeCpuMs: medianOf(({ changeCpuMs }) => changeCpuMs),
    loadedBytes: medianOf(({ loadedBytes }) => loadedBytes),
    idleCpu: medianOf(({ idleCpu }) => idleCpu),
    switchedBusy: runs.flatMap(({ switchedBusy }) => switchedBusy),
    ...maybe('churnCpu'),
    ...maybe('churnedBytes'),
    ...maybe('longestDelayMs'),
    peakBytes: medianOf(({ peakBytes }) => peakBytes),
    processes: first.processes,
  };
}
