import type { IpFamily } from '../model/address.ts';
import { familyOf } from '../model/address.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { NodeInfo } from '../model/node.ts';
import type { PoolName, Target } from './plan.ts';

export interface EndpointQuery {
  readonly endpoints: readonly Endpoint[];
  readonly family: IpFamily;
  readonly node: Pick<NodeInfo, 'name' | 'zone'>;
  /** Some packets may go to endpoints anywhere. */
  readonly usesCluster: boolean;
  /** Some packets may go to this node's endpoints only. */
  readonly usesLocal: boolean;
}

export interface UsableEndpoints {
  readonly pools: Readonly<Record<PoolName, readonly Target[]>>;
  /** Is there an endpoint on any node that could serve this Service, were the policies different? Decides between REJECT and DROP. */
  readonly any: boolean;
}

/**
 * Which endpoints may be used: ready ones, and where there is none, those that still serve while they terminate
 * (KEP-1669). Topology hints narrow the cluster pool only (KEP-2433, KEP-4444). The two pools are decided independently.
 */
export function usableEndpoints(query: EndpointQuery): UsableEndpoints {
  const { node, usesCluster, usesLocal } = query;
  const ofFamily = query.endpoints.filter((endpoint) => familyOf(endpoint.address) === query.family);
  const isLocal = (endpoint: Endpoint): boolean => endpoint.nodeName === node.name;
  const reachable = readyOrTerminating(ofFamily);
  const cluster = usesCluster ? preferredByTopology(reachable, node) : [];
  const local = usesLocal ? readyOrTerminating(ofFamily.filter(isLocal)) : [];
  const toTarget = (endpoint: Endpoint): Target => ({
    address: endpoint.address,
    port: endpoint.port,
    local: isLocal(endpoint),
  });
  return {
    pools: { cluster: cluster.map(toTarget), local: local.map(toTarget) },
    any: reachable.length > 0,
  };
}

function readyOrTerminating(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
}

/**
 * The endpoints hinted for this node, else those hinted for its zone, else all. One endpoint without a hint switches that
 * kind of hint off, and so does a hint that would leave nothing. Endpoints that are not ready carry no weight here.
 */
function preferredByTopology(
  endpoints: readonly Endpoint[],
  node: Pick<NodeInfo, 'name' | 'zone'>,
): readonly Endpoint[] {
  if (!endpoints.every((endpoint) => endpoint.ready)) return endpoints;
  if (endpoints.every((endpoint) => endpoint.nodeHints.length > 0)) {
    const here = endpoints.filter((endpoint) => endpoint.nodeHints.includes(node.name));
    if (here.length > 0) return here;
  }
  const { zone } = node;
  if (zone !== undefined && endpoints.every((endpoint) => endpoint.zoneHints.length > 0)) {
    const inZone = endpoints.filter((endpoint) => endpoint.zoneHints.includes(zone));
    if (inZone.length > 0) return inZone;
  }
  return endpoints;
}
