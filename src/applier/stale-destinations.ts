import { diffMaps } from '../base/persistent-map.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { IpAddress } from '../model/address.ts';
import { familyOf, socketAddress } from '../model/address.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** What decides where UDP flows may go: a plan, and the endpoints that it was compiled from. */
export interface FlowState {
  readonly plan: Plan;
  readonly endpoints: Snapshot['endpoints'];
}

/** `10.96.0.10:53`, `[fd00::a]:53`, or `*:30053` for a NodePort. */
export type Destination = string;

/** A place that answers, `10.244.1.7:5353`. */
export type Answerer = string;

/** Who may answer at a destination, and who no longer may. */
export interface DestinationChange {
  /** `undefined`: a NodePort. */
  readonly address: IpAddress | undefined;
  /** `undefined`: no Service has the destination any more. */
  readonly wanted: ReadonlySet<Answerer> | undefined;
  /** Endpoints that it had before; disjoint from `wanted`. */
  readonly lost: ReadonlySet<Answerer>;
  /** Every flow that is there still goes where it may: the destination existed, had endpoints and kept all of them. */
  readonly harmless: boolean;
}

interface Place {
  readonly address: IpAddress | undefined;
  readonly answerers: ReadonlySet<Answerer>;
}

/**
 * What differs for UDP destinations between two states; without a state before, everything there is. Costs as much as
 * differs.
 */
export function changedDestinations(
  before: FlowState | undefined,
  after: FlowState,
): ReadonlyMap<Destination, DestinationChange> {
  const had = new Map<Destination, Place>();
  const has = new Map<Destination, Place>();
  for (const key of changedServices(before, after)) {
    if (before !== undefined) addDestinations(before, key, had);
    addDestinations(after, key, has);
  }
  const changes = new Map<Destination, DestinationChange>();
  for (const [destination, { address }] of [...had, ...has]) {
    const old = had.get(destination)?.answerers;
    const wanted = has.get(destination)?.answerers;
    const lost = new Set([...(old ?? [])].filter((answerer) => wanted?.has(answerer) !== true));
    const harmless = old !== undefined && old.size > 0 && wanted !== undefined && lost.size === 0;
    changes.set(destination, { address, wanted, lost, harmless });
  }
  return changes;
}

function changedServices(before: FlowState | undefined, after: FlowState): ReadonlySet<ServicePortKey> {
  if (before === undefined) return new Set(after.plan.services.keys());
  const keys = new Set<ServicePortKey>();
  diffMaps(before.plan.services, after.plan.services, (key) => keys.add(key));
  // An endpoint that stops serving while it terminates had left the plan before.
  diffMaps(before.endpoints, after.endpoints, (key) => keys.add(key));
  return keys;
}

function addDestinations(state: FlowState, key: ServicePortKey, into: Map<Destination, Place>): void {
  const service = state.plan.services.get(key);
  if (service?.protocol !== 'udp') return;
  const answerers = answerersOf(state, service);
  for (const frontend of service.frontends) {
    const address = frontend.kind === 'node-port' ? undefined : frontend.address;
    into.set(destinationOf(address, frontend.port), { address, answerers });
  }
}

/** Rules U3 and U6: all endpoints that serve, local or not, whatever policies and hints say, each with its port. */
function answerersOf({ plan, endpoints }: FlowState, { key, pools }: ServicePlan): ReadonlySet<Answerer> {
  const serving = (endpoints.get(key) ?? []).filter(
    (endpoint) => (endpoint.ready || endpoint.serving) && familyOf(endpoint.address) === plan.family,
  );
  // The pools say more only for a Service that stayed as it was because the kernel refused its rules.
  const all = [...serving, ...pools.cluster, ...pools.local];
  return new Set(all.map(({ address, port }) => socketAddress(address, port)));
}

/** @param address none for a NodePort. */
export function destinationOf(address: IpAddress | undefined, port: number): Destination {
  return address === undefined ? `*:${port}` : socketAddress(address, port);
}
