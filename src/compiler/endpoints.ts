import { compact } from '../base/compact.ts';
import type { IpFamily } from '../model/address.ts';
import { familyOf, socketAddress } from '../model/address.ts';
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
  /** What was found before, if anything: targets that did not change stay the same objects. */
  readonly previous?: UsableEndpoints['pools'] | undefined;
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
  const ofFamily = keep(query.endpoints, (endpoint) => familyOf(endpoint.address) === query.family);
  const isLocal = (endpoint: Endpoint): boolean => endpoint.nodeName === node.name;
  const reachable = readyOrTerminating(ofFamily);
  const cluster = usesCluster ? preferredByTopology(reachable, node) : NONE;
  const local = usesLocal ? readyOrTerminating(ofFamily.filter(isLocal)) : NONE;
  const targets = (endpoints: readonly Endpoint[], pool: PoolName): readonly Target[] =>
    toTargets(endpoints, isLocal, query.previous?.[pool] ?? NO_TARGETS);
  return {
    pools: { cluster: targets(cluster, 'cluster'), local: targets(local, 'local') },
    any: reachable.length > 0,
  };
}

const NONE: readonly Endpoint[] = [];
const NO_TARGETS: readonly Target[] = compact([]);

/** The very same list when all of it is kept, as almost always. */
function keep(endpoints: readonly Endpoint[], wanted: (endpoint: Endpoint) => boolean): readonly Endpoint[] {
  return endpoints.every(wanted) ? endpoints : endpoints.filter(wanted);
}

/** Both lists are sorted alike, so that a walk over them finds what is in both. */
function toTargets(
  endpoints: readonly Endpoint[],
  isLocal: (endpoint: Endpoint) => boolean,
  previous: readonly Target[],
): readonly Target[] {
  if (endpoints.length === 0) return NO_TARGETS;
  let next = 0;
  return endpoints.map((endpoint): Target => {
    const { address, port } = endpoint;
    const local = isLocal(endpoint);
    let old = previous[next];
    while (old !== undefined && !isAt(old, endpoint) && textOf(old) < textOf(endpoint)) old = previous[++next];
    if (old === undefined || !isAt(old, endpoint)) return { address, port, local };
    next++;
    return old.local === local ? old : { address, port, local };
  });
}

function isAt(target: Target, endpoint: Endpoint): boolean {
  return target.address === endpoint.address && target.port === endpoint.port;
}

function textOf({ address, port }: Pick<Endpoint, 'address' | 'port'>): string {
  return socketAddress(address, port);
}

function readyOrTerminating(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const ready = keep(endpoints, (endpoint) => endpoint.ready);
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
