import type { NodeInfo } from '../model/node.ts';
import type { IpFamily } from '../model/address.ts';
import type { NodeFacts } from '../model/decode-node.ts';
import type { Problem } from '../model/problem.ts';
import type { ObjectEvent } from '../model/store.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** The cluster as a source has it now. */
export interface ClusterState {
  readonly snapshot: Snapshot;
  readonly node: NodeInfo;
}

/** What came with a change, for metrics. */
export interface Arrival {
  readonly services: number;
  readonly endpoints: number;
  /** When the control plane saw the reason for a changed slice, milliseconds since 1970, by family. */
  readonly triggerDatesMs: Readonly<Record<IpFamily, readonly number[]>>;
}

export interface FeedEvents {
  /** Objects as they come, before they are part of any {@link onChange}. */
  readonly onObjects?: (events: readonly ObjectEvent[]) => void;
  /** Everything that there is has been passed to {@link onObjects}. */
  readonly onListed?: () => void;
  /** Something may be different. Not before everything is known once. */
  readonly onChange: (state: ClusterState, arrival: Arrival) => void;
  /** The own Node object, `undefined` when there is none. */
  readonly onNode: (facts: NodeFacts | undefined) => void;
  /** Everything that is wrong with objects now. */
  readonly onProblems: (problems: readonly Problem[], warnings: readonly string[]) => void;
}

/** Where Services come from: manifests or an API server. */
export interface Feed {
  /** Resolves when events begin to flow. @throws {SluiceError} when the source cannot be used at all. */
  start(events: FeedEvents): Promise<void>;
  /** No event comes after this. */
  stop(): Promise<void>;
  /** How old the newest proof is that nothing newer exists, by resource, in milliseconds; empty where that has no meaning. */
  freshness(): ReadonlyMap<string, number>;
}

/** Both together. */
export function joinArrivals(a: Arrival, b: Arrival): Arrival {
  return {
    services: a.services + b.services,
    endpoints: a.endpoints + b.endpoints,
    triggerDatesMs: {
      IPv4: [...a.triggerDatesMs.IPv4, ...b.triggerDatesMs.IPv4],
      IPv6: [...a.triggerDatesMs.IPv6, ...b.triggerDatesMs.IPv6],
    },
  };
}

export const NO_ARRIVAL: Arrival = { services: 0, endpoints: 0, triggerDatesMs: { IPv4: [], IPv6: [] } };
