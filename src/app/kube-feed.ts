import type { Clock } from '../base/clock.ts';
import { equalData } from '../base/equal.ts';
import type { Log } from '../base/log.ts';
import type { IpFamily } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import { Store } from '../model/store.ts';
import type { KubeClient } from '../source/kube-client.ts';
import type { DnsNeeds } from '../source/resources.ts';
import { proxyResources } from '../source/resources.ts';
import type { KubeEvent, KubeSource } from '../source/kube-source.ts';
import { startKubeSource } from '../source/kube-source.ts';
import { nodeInfoFrom } from '../source/node-facts.ts';
import type { Arrival, Feed, FeedEvents } from './feed.ts';
import { joinArrivals, NO_ARRIVAL } from './feed.ts';
import type { Setup } from './setup.ts';
import { machineOf } from './setup.ts';

export interface KubeFeedOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly setup: Setup;
  /** What DNS wants beside what rules are made of; nothing when absent. */
  readonly dns?: DnsNeeds | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

/** How often the addresses of the machine's interfaces are looked at; NodePorts may be served on new ones. */
const INTERFACES_PERIOD_MS = 30_000;

/** Complaints about objects come in bursts when an API server has listed. */
const PROBLEMS_DELAY_MS = 1000;

/** An API server as the cluster. */
export class KubeFeed implements Feed {
  readonly #options: KubeFeedOptions;
  readonly #store: Store;
  #source: KubeSource | undefined;
  #synced = false;
  #node: NodeInfo | undefined;
  #pending: Arrival = NO_ARRIVAL;
  readonly #timers = new Map<string, () => void>();

  constructor(options: KubeFeedOptions) {
    this.#options = options;
    this.#store = new Store(options.setup.lent);
  }

  start(events: FeedEvents): Promise<void> {
    const { client, nodeName, dns, log, clock } = this.#options;
    this.#source = startKubeSource({
      client,
      resources: proxyResources(nodeName, dns),
      log,
      clock,
      onEvents: (batch) => {
        events.onObjects?.(batch);
        for (const event of batch) this.#store.apply(event);
        this.#pending = joinArrivals(this.#pending, arrivalOf(batch));
        if (!this.#synced) return;
        if (batch[0]?.kind === 'Node') this.#tellNode(events);
        this.#tell(events);
      },
      onSynced: () => {
        this.#synced = true;
        events.onListed?.();
        log.info('everything is listed', { services: this.#store.snapshot().servicePorts.size });
        this.#tellNode(events);
        this.#tell(events);
        this.#watchInterfaces(events);
      },
    });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    await this.#source?.stop();
  }

  freshness(): ReadonlyMap<string, number> {
    const { clock } = this.#options;
    const resources = this.#source?.freshness().resources ?? [];
    return new Map(
      resources.flatMap(({ kind, absent, newestProofMs }) =>
        absent || newestProofMs === undefined ? [] : [[kind, clock.now() - newestProofMs] as const],
      ),
    );
  }

  #tell(events: FeedEvents): void {
    const arrival = this.#pending;
    this.#pending = NO_ARRIVAL;
    events.onChange({ snapshot: this.#store.snapshot(), node: this.#nodeInfo() }, arrival);
    this.#once('problems', PROBLEMS_DELAY_MS, () => events.onProblems(this.#store.problems(), []));
  }

  #tellNode(events: FeedEvents): void {
    events.onNode(this.#store.nodes().get(this.#options.nodeName));
  }

  #nodeInfo(): NodeInfo {
    const { setup, nodeName } = this.#options;
    const overrides = { ...setup.nodeOverrides, name: nodeName };
    const made = nodeInfoFrom({ overrides, nodes: this.#store.nodes(), machine: machineOf(setup) });
    // The same object as long as nothing changed, so that nothing is compiled anew.
    if (this.#node === undefined || !equalData(made, this.#node)) this.#node = made;
    return this.#node;
  }

  #watchInterfaces(events: FeedEvents): void {
    this.#once('interfaces', INTERFACES_PERIOD_MS, () => {
      const before = this.#node;
      if (this.#nodeInfo() !== before) this.#tell(events);
      this.#watchInterfaces(events);
    });
  }

  #once(name: string, delayMs: number, call: () => void): void {
    if (this.#timers.has(name)) return;
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(name);
      call();
    });
    this.#timers.set(name, cancel);
  }
}

function arrivalOf(batch: readonly KubeEvent[]): Arrival {
  const triggerDatesMs: Record<IpFamily, number[]> = { IPv4: [], IPv6: [] };
  let services = 0;
  let endpoints = 0;
  for (const { kind, json, triggeredDateMs } of batch) {
    if (kind === 'Service') services++;
    if (kind === 'EndpointSlice') endpoints++;
    const family = (json as { addressType?: unknown } | undefined)?.addressType;
    if (triggeredDateMs !== undefined && (family === 'IPv4' || family === 'IPv6'))
      triggerDatesMs[family].push(triggeredDateMs);
  }
  return { services, endpoints, triggerDatesMs };
}
