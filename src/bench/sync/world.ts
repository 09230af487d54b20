import { setImmediate as nextTurn } from 'node:timers/promises';
import { Applier } from '../../applier/applier.ts';
import type { SyncInputs } from '../../applier/family-state.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { releaseMemory } from '../../base/memory.ts';
import type { CompileSettings } from '../../compiler/plan.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { parseCidr } from '../../model/address.ts';
import type { NodeInfo } from '../../model/node.ts';
import type { ObjectEvent } from '../../model/store.ts';
import { Store } from '../../model/store.ts';
import type { Synthetic } from '../../source/synthetic.ts';
import { createSynthetic } from '../../source/synthetic.ts';
import type { ChildWatch } from './child-watch.ts';
import type { Contender } from './contenders.ts';
import { backendOf, openDriver } from './contenders.ts';
import type { Sample } from './sample.ts';
import { SyncTrace } from './trace.ts';

const NODE: NodeInfo = { name: 'node-0', addresses: [], interfaceAddresses: [], podCidrs: [] };

const SETTINGS: CompileSettings = {
  masqueradeAll: false,
  detectLocal: { mode: 'ClusterCIDR', clusterCidrs: ['10.128.0.0/9'].flatMap((cidr) => parseCidr(cidr) ?? []) },
  nodePortAddresses: [],
  externalIps: true,
  localhostNodePorts: false,
};

/** Objects come in pages, between which the event loop turns. */
const PAGE = 500;

export interface WorldOptions {
  readonly contender: Contender;
  readonly services: number;
  readonly endpoints: number;
  readonly seed: number;
  readonly runner: CommandRunner;
  readonly children: ChildWatch;
}

/** A made-up IPv4 cluster and the node that is programmed for it: this process's network namespace, which must be a private one. */
export class SyncWorld {
  readonly cluster: Synthetic;
  readonly #options: WorldOptions;
  readonly #trace: SyncTrace;
  /** By Service, how often its endpoints have changed. */
  readonly #generations = new Map<number, number>();
  #store = new Store();
  #applier: Applier | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#trace = new SyncTrace(options.children);
    this.cluster = createSynthetic({
      services: options.services,
      endpointsPerService: options.endpoints,
      seed: options.seed,
    });
  }

  /** Takes all rules away and forgets everything. */
  async clear(): Promise<void> {
    await this.forget();
    await backendOf(this.#options.contender).cleanup(this.#options.runner);
  }

  /** Forgets everything, as a daemon that stops. The rules stay. */
  async forget(): Promise<void> {
    await this.#applier?.stop();
    this.#applier = undefined;
    this.#store = new Store();
    this.#generations.clear();
    releaseMemory();
  }

  /** A start: from all objects in hand to their rules in the kernel. What it takes to make them up does not count. */
  async start(): Promise<Sample> {
    this.#applier = this.#newApplier(this.#trace);
    let decodeMs = 0;
    let decoded = 0;
    for (const event of this.cluster.events()) {
      const startMs = performance.now();
      this.#store.apply(event);
      decodeMs += performance.now() - startMs;
      if (++decoded % PAGE === 0) await nextTurn();
    }
    return this.#trace.measure(decodeMs, () => this.#running.syncOnce(this.#inputs()));
  }

  /** From these events in hand to the kernel's acknowledgement, in one sync. */
  sync(events: readonly ObjectEvent[]): Promise<Sample> {
    return this.#trace.measure(0, () => {
      for (const event of events) this.#store.apply(event);
      return this.#running.syncOnce(this.#inputs());
    });
  }

  /** The events one after the other without waiting, as from a watch; until the kernel has acknowledged the last. */
  burst(events: readonly ObjectEvent[]): Promise<Sample> {
    return this.#trace.measure(0, () => {
      for (const event of events) this.arrive(event);
      return this.#running.idle();
    });
  }

  /** One event, to be written as soon as can be. */
  arrive(event: ObjectEvent): void {
    this.#store.apply(event);
    this.#running.update(this.#inputs());
  }

  /** Measures anything that ends when the kernel has everything. @param onSync is told of every start and end of a sync. */
  async follow(work: () => Promise<void>, onSync: (moment: 'started' | 'finished') => void): Promise<Sample> {
    this.#trace.onSync = onSync;
    try {
      return await this.#trace.measure(0, async () => {
        await work();
        await this.#running.idle();
      });
    } finally {
      this.#trace.onSync = undefined;
    }
  }

  /** From being told to look to the kernel being right again. */
  repair(): Promise<Sample> {
    return this.#trace.measure(0, () => {
      this.#running.verify();
      return this.#running.verified();
    });
  }

  /** The rules in the kernel are compared with what they should be. @throws {SluiceError} `internal` when some differ. */
  verify(): Promise<Sample> {
    return this.#trace.measureReading(async () => {
      this.#running.verify();
      await this.#running.verified();
    });
  }

  /** Somebody else takes the rules of every so-manieth Service away, properly, so that the rest goes on working. */
  async damage(every: number): Promise<void> {
    const inputs = this.#inputs();
    const { servicePorts } = inputs.snapshot;
    const fewer = servicePorts.update((draft) => {
      for (const [nth, key] of [...servicePorts.keys()].entries()) if (nth % every === 0) draft.delete(key);
    });
    const intruder = this.#newApplier(undefined);
    await intruder.syncOnce({ ...inputs, snapshot: { ...inputs.snapshot, servicePorts: fewer } });
    await intruder.stop();
  }

  /** The next change of a Service: one of its endpoints is replaced. */
  nextChange(index: number): ObjectEvent {
    const generation = (this.#generations.get(index) ?? 0) + 1;
    this.#generations.set(index, generation);
    return this.cluster.slice(index, generation);
  }

  get #running(): Applier {
    this.#applier ??= this.#newApplier(this.#trace);
    return this.#applier;
  }

  #inputs(): SyncInputs {
    return { snapshot: this.#store.snapshot(), node: NODE, settings: SETTINGS };
  }

  #newApplier(trace: SyncTrace | undefined): Applier {
    const { contender, runner } = this.#options;
    const driver = openDriver(contender, runner);
    if (trace !== undefined) trace.attach(driver);
    return new Applier({
      spelling: backendOf(contender).spelling(contender.settings),
      drivers: new Map([['IPv4', driver]]),
      clock: systemClock,
      log: silentLog,
      minSyncPeriodMs: 0,
      verifyPeriodMs: 24 * 3_600_000,
      ...(trace === undefined ? {} : { observer: trace }),
    });
  }
}
