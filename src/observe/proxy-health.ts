import type { Clock } from '../base/clock.ts';
import { IP_FAMILIES } from '../model/address.ts';
import type { IpFamily } from '../model/address.ts';

/** The taint that the cluster autoscaler sets before it removes a node. */
const TO_BE_DELETED = 'ToBeDeletedByClusterAutoscaler';

/** How Go writes a time that never was. */
const NEVER = '0001-01-01T00:00:00Z';

/** As much of the own Node object as health depends on. */
export interface NodeHealth {
  readonly exists: boolean;
  /** It has a deletionTimestamp. */
  readonly deleting: boolean;
  /** The keys of its taints. */
  readonly taints: readonly string[];
}

/** Why /healthz is not 200. */
export type Ailment =
  | 'not-synced'
  | 'sync-overdue'
  | 'stale'
  | 'node-unknown'
  | 'node-gone'
  | 'node-deleting'
  | 'node-tainted';

export interface HealthAnswer {
  /** Whether to answer 200; else 503. */
  readonly ok: boolean;
  /** kube-proxy's body. */
  readonly body: {
    readonly lastUpdated: string;
    readonly currentTime: string;
    readonly nodeEligible?: boolean;
    readonly healthy: boolean;
    readonly status: Readonly<Partial<Record<IpFamily, { readonly lastUpdated: string; readonly healthy: boolean }>>>;
  };
  /** Everything that is wrong, worst first. */
  readonly ailments: readonly Ailment[];
}

export interface ProxyHealthOptions {
  readonly clock: Clock;
  /** The families that are programmed. */
  readonly families: readonly IpFamily[];
  /** How long a change may wait to be written; kube-proxy's is 2 × syncPeriod, 60 s by default. */
  readonly healthTimeoutMs: number;
  /** How old the newest proof of freshness may be; without a limit, or before the first proof, age does not matter. */
  readonly freshnessLimitMs?: number;
}

interface FamilyState {
  /** When the oldest change that is not written yet was queued. */
  pendingSinceMs?: number;
  newestQueuedMs: number;
  /** Milliseconds since 1970. */
  updatedDateMs?: number;
}

/**
 * The health of this node as a proxy, told what happens and asked for answers. The rules are kube-proxy's, but /healthz also
 * wants a first success, a Node object that still exists, and news that are not too old.
 */
export class ProxyHealth {
  readonly #options: ProxyHealthOptions;
  readonly #states: ReadonlyMap<IpFamily, FamilyState>;
  #node: NodeHealth | undefined;
  #provedAtMs: number | undefined;

  constructor(options: ProxyHealthOptions) {
    this.#options = options;
    const families = IP_FAMILIES.filter((family) => options.families.includes(family));
    this.#states = new Map(families.map((family) => [family, { newestQueuedMs: Number.NEGATIVE_INFINITY }]));
  }

  /** A change of this family has to be written. Times are those of the clock. */
  queued(family: IpFamily, atMs = this.#options.clock.now()): void {
    const state = this.#states.get(family);
    if (state === undefined) return;
    state.pendingSinceMs ??= atMs;
    state.newestQueuedMs = Math.max(state.newestQueuedMs, atMs);
  }

  /** Everything that was queued up to `startedAtMs`, when the sync began, is in the kernel. */
  succeeded(family: IpFamily, startedAtMs = this.#options.clock.now()): void {
    const state = this.#states.get(family);
    if (state === undefined) return;
    state.updatedDateMs = this.#options.clock.dateMs();
    if (state.pendingSinceMs === undefined) return;
    // Of the changes since then only the newest time is known; the start of the sync is a little too early at most.
    if (state.newestQueuedMs > startedAtMs) state.pendingSinceMs = Math.max(state.pendingSinceMs, startedAtMs);
    else delete state.pendingSinceMs;
  }

  /** Until the first call the node counts as unknown, and /healthz is 503. */
  nodeChanged(node: NodeHealth): void {
    this.#node = node;
  }

  /** The newest proof that we miss nothing is so old now, and ages from here. */
  freshness(ageMs: number): void {
    this.#provedAtMs = this.#options.clock.now() - ageMs;
  }

  /** The age of the newest proof of freshness; `undefined` when there never was one. */
  get freshnessAgeMs(): number | undefined {
    return this.#provedAtMs === undefined ? undefined : this.#options.clock.now() - this.#provedAtMs;
  }

  /** Whether the rules of every family have been written once. */
  get synced(): boolean {
    return [...this.#states.values()].every(({ updatedDateMs }) => updatedDateMs !== undefined);
  }

  /** kube-proxy's narrow sense, for /livez and health-check node ports: no change has waited too long. The node does not count. */
  get inStep(): boolean {
    return [...this.#states.values()].every((state) => !this.#isOverdue(state));
  }

  healthz(): HealthAnswer {
    const proxy = this.#proxyAilments();
    const node = this.#nodeAilment();
    const ailments = node === undefined ? proxy : [...proxy, node];
    return this.#answer({ ailments, nodeEligible: node === undefined, healthy: proxy.length === 0, wantsUpdate: true });
  }

  /** Restarting helps against nothing but writes that hang, so that is all that counts here. */
  livez(): HealthAnswer {
    const healthy = this.inStep;
    return this.#answer({ ailments: healthy ? [] : ['sync-overdue'], healthy, wantsUpdate: false });
  }

  #proxyAilments(): readonly Ailment[] {
    const limitMs = this.#options.freshnessLimitMs ?? Number.POSITIVE_INFINITY;
    const ailments: Ailment[] = [];
    if (!this.synced) ailments.push('not-synced');
    if (!this.inStep) ailments.push('sync-overdue');
    if ((this.freshnessAgeMs ?? 0) > limitMs) ailments.push('stale');
    return ailments;
  }

  #nodeAilment(): Ailment | undefined {
    if (this.#node === undefined) return 'node-unknown';
    if (!this.#node.exists) return 'node-gone';
    if (this.#node.deleting) return 'node-deleting';
    return this.#node.taints.includes(TO_BE_DELETED) ? 'node-tainted' : undefined;
  }

  /** As in kube-proxy, a family is late only after it was written once: before that, starting again would not help. */
  #isOverdue({ pendingSinceMs, updatedDateMs }: FamilyState): boolean {
    if (pendingSinceMs === undefined || updatedDateMs === undefined) return false;
    return this.#options.clock.now() - pendingSinceMs >= this.#options.healthTimeoutMs;
  }

  #answer(facts: {
    readonly ailments: readonly Ailment[];
    readonly nodeEligible?: boolean;
    readonly healthy: boolean;
    /** Whether a family that was never written is unhealthy. */
    readonly wantsUpdate: boolean;
  }): HealthAnswer {
    const { ailments, nodeEligible, healthy, wantsUpdate } = facts;
    const now = dateText(this.#options.clock.dateMs());
    const updates = [...this.#states.values()].flatMap(({ updatedDateMs }) => updatedDateMs ?? []);
    const status = [...this.#states].map(([family, state]) => {
      const waits = wantsUpdate && state.updatedDateMs === undefined;
      return [family, { lastUpdated: dateText(state.updatedDateMs), healthy: !waits && !this.#isOverdue(state) }];
    });
    const ok = ailments.length === 0;
    const body = {
      lastUpdated: ok ? now : dateText(updates.length === 0 ? undefined : Math.max(...updates)),
      currentTime: now,
      ...(nodeEligible === undefined ? {} : { nodeEligible }),
      healthy,
      status: Object.fromEntries(status) as HealthAnswer['body']['status'],
    };
    return { ok, body, ailments };
  }
}

function dateText(dateMs: number | undefined): string {
  return dateMs === undefined ? NEVER : new Date(dateMs).toISOString();
}
