import type { Action, Frontend, NodePlan, Plan, PoolName, ServicePlan, Target } from '../../compiler/plan.ts';
import type { IpAddress } from '../../model/address.ts';
import { isLoopback, isUnusableAsEndpoint, socketAddress } from '../../model/address.ts';

/** The addresses that serve NodePorts: of all, neither loopback nor link-local ones (rule N1 of the reference). */
export function nodePortAddresses({
  nodePortAddresses: wanted,
  interfaceAddresses = [],
}: NodePlan): readonly IpAddress[] {
  if (wanted.kind === 'listed') return wanted.addresses.filter((address) => !isLoopback(address));
  return interfaceAddresses.filter((address) => !isUnusableAsEndpoint(address));
}

/** Every address that a frontend is reached at. */
export function addressesOf(frontend: Frontend, plan: Plan): readonly IpAddress[] {
  return frontend.kind === 'node-port' ? nodePortAddresses(plan.node) : [frontend.address];
}

/** What becomes of packets in terms of virtual servers, of which an address and port can have one only. */
export interface Serving {
  /** Where the virtual server leads; nowhere makes the kernel reject. `undefined`: there is none, everything is dropped. */
  readonly targets: readonly Target[] | undefined;
  /** Clients outside do not even get that far. */
  readonly dropsOutside: boolean;
  /** Where pods and the node should get to, in place of what clients outside do: as far as a mark can lead them. */
  readonly shortCut: readonly Target[] | undefined;
}

/**
 * Spells a verdict. What clients outside get goes before what pods and the node get, since they are the ones that the
 * destination is there for.
 */
export function servingOf(
  { pools, affinityTimeoutS }: ServicePlan,
  { verdict: { pod, node, outside } }: Frontend,
): Serving {
  const targetsOf = (action: Action): readonly Target[] => (action.kind === 'forward' ? pools[action.pool] : []);
  // With a pod detector pods get what the node gets; without one they count as outside.
  const inner = node.kind === 'forward' ? node : pod;
  if (outside.kind === 'drop') {
    const dropsAll = inner.kind === 'drop';
    return { targets: dropsAll ? undefined : targetsOf(inner), dropsOutside: !dropsAll, shortCut: undefined };
  }
  const targets = targetsOf(outside);
  // A mark with persistence would leave ports as they are (ip_vs_sched_persist): with affinity there is no short cut.
  const other = affinityTimeoutS === undefined && inner.kind === 'forward' && differs(pools, inner.pool, outside);
  return { targets, dropsOutside: false, shortCut: other ? targetsOf(inner) : undefined };
}

function differs(pools: ServicePlan['pools'], pool: PoolName, outside: Action): boolean {
  if (outside.kind !== 'forward' || outside.pool === pool) return false;
  const text = (targets: readonly Target[]): string =>
    targets.map(({ address, port }) => socketAddress(address, port)).join(' ');
  return text(pools[pool]) !== text(pools[outside.pool]);
}

/** With policy Local clients keep their address, and a frontend without endpoints counts as one or the other by what it drops. */
export function keepsSource({ verdict: { outside } }: Frontend): boolean {
  return outside.kind === 'drop' || (outside.kind === 'forward' && !outside.masquerade);
}
