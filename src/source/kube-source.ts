import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { ObjectKind } from '../model/object.ts';
import type { ObjectEvent } from '../model/store.ts';
import type { KubeClient } from './kube-client.ts';
import type { ReflectorStatus, ReflectorTimings } from './reflector.ts';
import { Reflector } from './reflector.ts';
import type { Resource } from './resource.ts';
import { isRecord } from './resource.ts';

/** An event from the API server. */
export interface KubeEvent extends ObjectEvent {
  /**
   * Of an EndpointSlice: when the pod or Service changed because of which the slice was written last, by the control
   * plane's clock; milliseconds since 1970.
   */
  readonly triggeredDateMs?: number;
}

export interface KubeSourceOptions {
  readonly client: Pick<KubeClient, 'open'>;
  /** What to follow, see {@link file://./resources.ts}. */
  readonly resources: readonly Resource[];
  readonly log: Log;
  readonly clock: Clock;
  /** From 0 to 1; default Math.random. */
  readonly random?: () => number;
  readonly timings?: Partial<ReflectorTimings>;
  /** Called with at least one event: what came in one go, of one kind, in order. */
  readonly onEvents: (events: readonly KubeEvent[]) => void;
  /** Called once, when everything has been listed and passed on. */
  readonly onSynced: () => void;
}

export interface ResourceFreshness extends ReflectorStatus {
  readonly kind: ObjectKind;
}

/** How far what is known can be trusted. */
export interface Freshness {
  /** Everything has been listed once. */
  readonly synced: boolean;
  /**
   * When each resource was last known to be complete, the most neglected one counts; by the clock's `now()`. Rarely more
   * than a minute ago when all is well. Before `synced` undefined.
   */
  readonly newestProofMs: number | undefined;
  readonly resources: readonly ResourceFreshness[];
}

export interface KubeSource {
  /** No callback is called after this. */
  stop(): Promise<void>;
  freshness(): Freshness;
}

/** Follows some resources of an API server, for as long as it takes and whatever happens to that server. */
export function startKubeSource(options: KubeSourceOptions): KubeSource {
  const { client, resources, clock, log, timings, random = Math.random, onEvents, onSynced } = options;
  let missing = resources.length;
  const reflectors = resources.map((resource) => {
    const reflector = new Reflector({
      resource,
      client,
      clock,
      log,
      random,
      timings,
      onEvents: resource.kind === 'EndpointSlice' ? (events) => onEvents(events.map(withTriggerTime)) : onEvents,
      onSynced: () => {
        missing--;
        if (missing === 0) onSynced();
      },
    });
    return { kind: resource.kind, reflector };
  });
  return {
    async stop() {
      await Promise.all(reflectors.map(({ reflector }) => reflector.stop()));
    },
    freshness: () => freshnessOf(reflectors.map(({ kind, reflector }) => ({ kind, ...reflector.status() }))),
  };
}

function freshnessOf(resources: readonly ResourceFreshness[]): Freshness {
  const synced = resources.every((resource) => resource.synced);
  const proofs = resources.filter(({ absent }) => !absent).map(({ newestProofMs }) => newestProofMs ?? 0);
  return { synced, newestProofMs: synced ? Math.min(...proofs) : undefined, resources };
}

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

function withTriggerTime(event: ObjectEvent): KubeEvent {
  const metadata = isRecord(event.json) ? event.json['metadata'] : undefined;
  const annotations = isRecord(metadata) ? metadata['annotations'] : undefined;
  const text = isRecord(annotations) ? annotations[TRIGGER_TIME] : undefined;
  const triggeredDateMs = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(triggeredDateMs) ? event : { ...event, triggeredDateMs };
}
