import { Applier } from '../applier/applier.ts';
import type { Backend, BackendSettings } from '../backend/contract.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { CompileSettings } from '../compiler/plan.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { parseCidr } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import { Store } from '../model/store.ts';
import { createSynthetic } from '../source/synthetic.ts';

/** One way of writing rules, in one of its variants. */
export interface Contender {
  readonly name: string;
  readonly backend: Backend;
  readonly settings: BackendSettings;
}

export interface SyncBenchOptions {
  readonly contender: Contender;
  readonly runner: CommandRunner;
  readonly services: number;
  readonly endpointsPerService: number;
  /** How often everything is written to an empty kernel. */
  readonly coldRuns: number;
  /** How many one-endpoint changes are timed. */
  readonly changes: number;
}

/** Samples in milliseconds, from the event in hand to the kernel's acknowledgement. */
export interface SyncSamples {
  readonly cold: readonly number[];
  /** One endpoint of one Service replaced by another. */
  readonly change: readonly number[];
  /** Of `change`, what sluice itself needed: event to change set. */
  readonly changeOwn: readonly number[];
  /** A fresh process that finds the rules in place: read, compare, write nothing. */
  readonly restart: readonly number[];
}

const NODE: NodeInfo = { name: 'node-0', addresses: [], interfaceAddresses: [], podCidrs: [] };

const SETTINGS: CompileSettings = {
  masqueradeAll: false,
  detectLocal: { mode: 'ClusterCIDR', clusterCidrs: [parseCidr('10.128.0.0/9') ?? fail()] },
  nodePortAddresses: [],
  externalIps: true,
  localhostNodePorts: false,
};

function fail(): never {
  throw new Error('the constant is a network');
}

/** Times syncs of a made-up IPv4 cluster in this process's network namespace, which must be a private one. */
export async function benchSync(options: SyncBenchOptions): Promise<SyncSamples> {
  const { contender, runner, services, coldRuns, changes } = options;
  const cluster = createSynthetic({ services, endpointsPerService: options.endpointsPerService });
  const store = new Store();
  for (const event of cluster.events()) store.apply(event);
  const inputs = () => ({ snapshot: store.snapshot(), node: NODE, settings: SETTINGS });
  inputs();
  const cold: number[] = [];
  for (let run = 0; run < coldRuns; run++) {
    await contender.backend.cleanup(runner);
    cold.push(await timed(() => withApplier(options, (applier) => applier.syncOnce(inputs()))));
  }
  const restart: number[] = [];
  for (let run = 0; run < 3; run++) {
    restart.push(await timed(() => withApplier(options, (applier) => applier.syncOnce(inputs()))));
  }
  const change: number[] = [];
  const changeOwn: number[] = [];
  await withApplier(options, async (applier) => {
    await applier.syncOnce(inputs());
    for (let i = 0; i < changes + WARM_UP; i++) {
      const startMs = performance.now();
      store.apply(cluster.slice((i * 7919) % services, 1 + Math.floor(i / services)));
      const snapshot = inputs();
      const snapshotMs = performance.now() - startMs;
      const [report] = await applier.syncOnce(snapshot);
      if (i < WARM_UP || report === undefined) continue;
      change.push(performance.now() - startMs);
      changeOwn.push(snapshotMs + report.compileMs + report.renderMs);
    }
  });
  await contender.backend.cleanup(runner);
  return { cold, change, changeOwn, restart };
}

const WARM_UP = 5;

async function withApplier<T>(
  { contender, runner }: SyncBenchOptions,
  use: (applier: Applier) => Promise<T>,
): Promise<T> {
  const { backend, settings } = contender;
  const applier = new Applier({
    spelling: backend.spelling(settings),
    drivers: new Map([['IPv4', backend.openDriver({ family: 'IPv4', runner, settings })]]),
    clock: systemClock,
    log: silentLog,
    minSyncPeriodMs: 0,
    verifyPeriodMs: 3_600_000,
  });
  try {
    return await use(applier);
  } finally {
    await applier.stop();
  }
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
}
