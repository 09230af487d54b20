import { systemRunner } from '../../kernel/command.ts';
import { commandIn } from '../../lab/in-namespace.ts';
import { Lab } from '../../lab/lab.ts';
import type { Progress } from '../progress.ts';
import { seededRandom } from '../random.ts';
import type { Summary } from '../statistics.ts';
import { percentile, summarize } from '../statistics.ts';
import type { Contender } from '../sync/contenders.ts';
import { whyUnusable } from '../sync/contenders.ts';
import { startTcpServer } from '../tcp-server.ts';
import type { Batch } from './connector.ts';
import { Connector } from './connector.ts';
import type { Position, Target } from './programmed.ts';
import { forgetSoon, TARGET_PORT, withProgrammed } from './programmed.ts';

export interface PacketsOptions {
  readonly contenders: readonly Contender[];
  readonly services: readonly number[];
  /** How often each size is measured anew. */
  readonly runs: number;
  /** Per run: so many times, every target gets a batch of connections. */
  readonly rounds: number;
  /** Connections per batch. */
  readonly batch: number;
  readonly seed: number;
  readonly progress: Progress;
}

/** Connections to one place, in one cluster. */
export interface PacketsOutcome {
  readonly contender: string;
  readonly services: number;
  readonly position: Position;
  /** From `connect` to its return: SYN out, SYN and ACK back. */
  readonly latencyUs: Summary;
  /** Made and closed one after the other, by one client; median of the batches. */
  readonly perSecond: number;
  /** Median of the batch ÷ median of the direct batch beside it; the median of that. 1 for `direct`. */
  readonly timesDirect: number;
}

export interface PacketsResult {
  readonly outcomes: readonly PacketsOutcome[];
  readonly skipped: readonly { readonly what: string; readonly reason: string }[];
}

/** Caches and branch predictors know the way after this. */
const WARM_UP_ROUNDS = 3;

/** Makes connections in a lab of this process's network namespace, which must be a private one. */
export async function benchPackets(options: PacketsOptions): Promise<PacketsResult> {
  await using lab = await Lab.create({
    pods: ['client'],
    remotePods: ['server-a', 'server-b', 'server-c', 'server-d'],
  });
  const server = await startTcpServer({
    name: 'server',
    address: '0.0.0.0',
    port: TARGET_PORT,
    place: (argv) => commandIn('remote', argv),
  });
  const connector = await Connector.start('client');
  try {
    await forgetSoon();
    return await measureAll(options, lab, connector);
  } finally {
    await connector.stop();
    await server.stop();
  }
}

async function measureAll(options: PacketsOptions, lab: Lab, connector: Connector): Promise<PacketsResult> {
  const { contenders, services, runs, progress, seed } = options;
  const skipped: PacketsResult['skipped'][number][] = [];
  const usable: Contender[] = [];
  for (const contender of contenders) {
    const reason = await whyUnusable(contender, systemRunner);
    if (reason === undefined) usable.push(contender);
    else skipped.push({ what: contender.name, reason });
  }
  const rounds = new Map<string, PositionRounds>();
  const total = runs * usable.length * services.length;
  let done = 0;
  for (let run = 0; run < runs; run++) {
    for (const size of services) {
      for (const contender of usable) {
        progress.show(done++, total, `${contender.name}: connections with ${size} Services (run ${run + 1})`);
        const random = seededRandom(seed + run);
        const key = `${contender.name} ${size}`;
        const measured = await withProgrammed(
          { contender, services: size, seed, topology: lab.topology, runner: systemRunner },
          (targets) => measureRounds(options, { connector, targets, below: (limit) => random.below(limit) }),
        );
        rounds.set(key, merge(rounds.get(key), measured));
      }
    }
  }
  const outcomes = usable.flatMap(({ name }) =>
    services.flatMap((size) =>
      outcomesOf(rounds.get(`${name} ${size}`) ?? new Map(), { contender: name, services: size }),
    ),
  );
  return { outcomes, skipped };
}

/** By position, a batch per round; the batches of one round were made beside one another. */
type PositionRounds = ReadonlyMap<Position, readonly Batch[]>;

async function measureRounds(
  { rounds, batch }: PacketsOptions,
  { connector, targets, below }: { connector: Connector; targets: readonly Target[]; below: (limit: number) => number },
): Promise<PositionRounds> {
  const found = new Map<Position, Batch[]>(targets.map(({ position }) => [position, []]));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    // Nobody is to be the one who always comes after somebody.
    const first = below(targets.length);
    const order = [...targets.slice(first), ...targets.slice(0, first)];
    const batches = await connector.connect(
      order.map(({ address }) => address),
      batch,
    );
    if (round < 0) continue;
    for (const [i, { position }] of order.entries()) {
      const one = batches[i];
      if (one !== undefined) found.get(position)?.push(one);
    }
  }
  return found;
}

function merge(before: PositionRounds | undefined, after: PositionRounds): PositionRounds {
  if (before === undefined) return after;
  return new Map([...after].map(([position, batches]) => [position, [...(before.get(position) ?? []), ...batches]]));
}

/** What the rounds of one cluster come to. */
export function outcomesOf(
  rounds: PositionRounds,
  cluster: { readonly contender: string; readonly services: number },
): readonly PacketsOutcome[] {
  const mediansOf = (position: Position) =>
    (rounds.get(position) ?? []).map(({ latenciesUs }) => percentile(latenciesUs, 0.5));
  const direct = mediansOf('direct');
  return [...rounds].map(([position, batches]) => ({
    ...cluster,
    position,
    latencyUs: summarize(batches.flatMap(({ latenciesUs }) => latenciesUs)),
    perSecond: percentile(
      batches.map(({ perSecond }) => perSecond),
      0.5,
    ),
    timesDirect: percentile(
      mediansOf(position).map((median, i) => median / (direct[i] ?? Number.NaN)),
      0.5,
    ),
  }));
}
