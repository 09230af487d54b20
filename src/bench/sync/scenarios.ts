import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ObjectEvent } from '../../model/store.ts';
import { SLICE_SIZE } from '../../source/synthetic.ts';
import type { Random } from '../random.ts';
import type { Sample } from './sample.ts';
import type { SyncWorld } from './world.ts';

export const SCENARIO_IDS = [
  'cold',
  'restart',
  'change',
  'service',
  'burst',
  'wide',
  'rolling',
  'verify',
  'resync',
] as const;

export type ScenarioId = (typeof SCENARIO_IDS)[number];

/** What a scenario is given. */
export interface ScenarioContext {
  /** With all rules in place. */
  readonly world: SyncWorld;
  readonly services: number;
  readonly endpoints: number;
  readonly runs: number;
  readonly random: Random;
  readonly taker: SampleTaker;
}

/** Keeps what a scenario measures. */
export interface SampleTaker {
  /** Takes samples of one kind of operation, at most `wanted`, fewer when the time is up. */
  series(operation: string, wanted: number, steps: Steps): Promise<void>;
  /** Several kinds that take turns, because one undoes the other. */
  turns(operations: readonly string[], wanted: number, steps: readonly (() => Promise<Sample>)[]): Promise<void>;
  /** Durations that were taken otherwise. */
  add(operation: string, durationsMs: readonly number[]): void;
}

export interface Steps {
  /** What has to be done before every sample and is not part of it. */
  readonly before?: () => Promise<void>;
  readonly sample: () => Promise<Sample>;
}

export interface Scenario {
  readonly title: string;
  /** For a reader who has not read the code. */
  readonly text: string;
  run(context: ScenarioContext): Promise<void>;
}

const WARM_UP = 10;
const CHANGES_PER_RUN = 40;
const BURST = 1000;
const WIDE_ENDPOINTS = 5000;
const ROLLING_SERVICES = 500;
const ROLLING_WAVES = 4;
/** One Service of so many loses its rules. */
const DAMAGED_EVERY = 10;

/** Everything that is measured, in the order in which it is done. */
export const SCENARIOS: Readonly<Record<ScenarioId, Scenario>> = {
  cold: {
    title: 'Cold load',
    text: 'A start on a node without rules: from all objects in hand, still undecoded, to all rules in the kernel.',
    run: ({ world, runs, taker }) =>
      taker.series('cold load', runs, { before: () => world.clear(), sample: () => world.start() }),
  },
  restart: {
    title: 'Restart',
    text: 'A start on a node that has the rules already: they are read, compared and adopted; nothing is written.',
    run: ({ world, runs, taker }) =>
      taker.series('restart', runs, { before: () => world.forget(), sample: () => world.start() }),
  },
  change: {
    title: 'One endpoint',
    text: 'One endpoint of a Service, chosen at random, is replaced by another.',
    async run({ world, services, runs, random, taker }) {
      const sample = (): Promise<Sample> => world.sync([world.nextChange(random.below(services))]);
      for (let i = 0; i < WARM_UP; i++) await sample();
      await taker.series('one endpoint changed', runs * CHANGES_PER_RUN, { sample });
    },
  },
  service: {
    title: 'One Service',
    text: 'A Service that was not there appears with its endpoints, and goes again.',
    async run({ world, services, runs, taker }) {
      const steps = comeAndGo(world, services);
      for (let i = 0; i < WARM_UP; i++) for (const step of steps) await step();
      await taker.turns(['one Service added', 'one Service removed'], runs * 20, steps);
    },
  },
  burst: {
    title: `Burst of ${BURST.toLocaleString('en-GB')} changes`,
    text: `${BURST.toLocaleString('en-GB')} endpoints change at once, each an event of its own; until the kernel has acknowledged the last.`,
    async run({ world, services, runs, random, taker }) {
      let events: readonly ObjectEvent[] = [];
      const before = async (): Promise<void> => {
        events = Array.from({ length: BURST }, () => world.nextChange(random.below(services)));
      };
      const sample = (): Promise<Sample> => world.burst(events);
      await before();
      await sample();
      await taker.series(`${BURST.toLocaleString('en-GB')} changes`, runs, { before, sample });
    },
  },
  wide: {
    title: 'One Service with 5,000 endpoints',
    text: 'A Service grows from no endpoint to 5,000 and shrinks again; in between one endpoint comes and goes at a time.',
    run: scaleWide,
  },
  rolling: {
    title: `Rolling update of ${ROLLING_SERVICES} Services`,
    text: `The endpoints of ${ROLLING_SERVICES} Services are replaced one at a time, as fast as events can be taken; “one event” is its way to the kernel under that load.`,
    run: rollOver,
  },
  verify: {
    title: 'Full verification',
    text: 'What is done every hour: all rules in the kernel are read and compared with what they should be, and nothing differs. Changes go on meanwhile, so the longest stall counts more than the time.',
    run: ({ world, runs, taker }) => taker.series('full verification', runs, { sample: () => world.verify() }),
  },
  resync: {
    title: 'Full resync',
    text: 'Somebody took away the rules of every tenth Service. From being told to look until the kernel is right again.',
    run: ({ world, runs, taker }) =>
      taker.series('full resync', runs, { before: () => world.damage(DAMAGED_EVERY), sample: () => world.repair() }),
  },
};

/** A Service that none of the cluster's is, added and removed. */
function comeAndGo(world: SyncWorld, index: number): readonly [() => Promise<Sample>, () => Promise<Sample>] {
  const added = [world.cluster.service(index), world.cluster.slice(index)];
  return [() => world.sync(added), () => world.sync(added.map(gone))];
}

function gone(event: ObjectEvent): ObjectEvent {
  return { ...event, json: undefined };
}

async function scaleWide({ world, services, runs, random, taker }: ScenarioContext): Promise<void> {
  const { cluster } = world;
  const parts = WIDE_ENDPOINTS / SLICE_SIZE;
  const full = Array.from({ length: parts }, (_, part) => cluster.part(services, part, SLICE_SIZE));
  await world.sync([cluster.service(services)]);
  const fill = (): Promise<Sample> => world.sync(full);
  const empty = (): Promise<Sample> => world.sync(full.map(gone));
  await fill();
  let part = 0;
  const less = (): Promise<Sample> => {
    part = random.below(parts);
    return world.sync([cluster.part(services, part, SLICE_SIZE - 1)]);
  };
  const more = (): Promise<Sample> => world.sync([cluster.part(services, part, SLICE_SIZE)]);
  await taker.turns(['one endpoint of 5,000 less', 'one endpoint more'], runs * 10, [less, more]);
  await taker.turns(['5,000 endpoints go', '5,000 endpoints come'], runs, [empty, fill]);
  await world.sync([...full.map(gone), gone(cluster.service(services))]);
}

async function rollOver({ world, services, endpoints, runs, taker }: ScenarioContext): Promise<void> {
  const singlesMs: number[] = [];
  const updated = Math.min(ROLLING_SERVICES, services);
  const waves = Math.min(ROLLING_WAVES, endpoints);
  let events: readonly ObjectEvent[] = [];
  const before = async (): Promise<void> => {
    events = Array.from({ length: updated * waves }, (_, i) => world.nextChange(i % updated));
  };
  await taker.series(`${updated} Services × ${waves} endpoints`, Math.ceil(runs / 2), {
    before,
    sample: () => rollOnce(world, events, singlesMs),
  });
  taker.add('one event', singlesMs);
}

/** @param singlesMs gets how long each event took to the kernel. */
async function rollOnce(world: SyncWorld, events: readonly ObjectEvent[], singlesMs: number[]): Promise<Sample> {
  let waiting: number[] = [];
  let underWay: readonly number[] = [];
  const work = async (): Promise<void> => {
    for (const event of events) {
      waiting.push(performance.now());
      world.arrive(event);
      await nextTurn();
    }
  };
  return world.follow(work, (moment) => {
    if (moment === 'started') {
      underWay = waiting;
      waiting = [];
    } else {
      const nowMs = performance.now();
      for (const sinceMs of underWay) singlesMs.push(nowMs - sinceMs);
    }
  });
}
