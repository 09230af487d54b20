import { equalData } from '../base/equal.ts';
import { compact } from '../base/compact.ts';
import type { Cidr, IpAddress, IpFamily } from '../model/address.ts';
import { cidrContains, familyOf, hostCidr, prefixLength } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import type { ServicePort } from '../model/service.ts';
import type { UsableEndpoints } from './endpoints.ts';
import { usableEndpoints } from './endpoints.ts';
import { disjointCidrs } from './node-plan.ts';
import type { AddressFrontend, CompileSettings, Frontend, NodePlan, ServicePlan } from './plan.ts';
import type { VerdictFacts } from './verdict.ts';
import { clusterIpVerdict, externalVerdict } from './verdict.ts';
import { servicePortName } from '../model/service.ts';
import type { Endpoint } from '../model/endpoint.ts';

export interface ServiceInputs {
  readonly port: ServicePort;
  readonly endpoints: readonly Endpoint[];
  readonly family: IpFamily;
  readonly node: NodeInfo;
  readonly nodePlan: NodePlan;
  readonly settings: Pick<CompileSettings, 'externalIps'>;
  /** What was made of it before, if anything. */
  readonly previous?: ServicePlan | undefined;
}

/** The plan of one service port, before destinations that an older Service owns are taken from it; `undefined` when the family does not concern it. */
export function planService(inputs: ServiceInputs): ServicePlan | undefined {
  const { port, family, node } = inputs;
  const isOfFamily = (address: IpAddress): boolean => familyOf(address) === family;
  const ofFamily = (addresses: readonly IpAddress[]): readonly IpAddress[] =>
    addresses.every(isOfFamily) ? addresses : addresses.filter(isOfFamily);
  const clusterIps = ofFamily(port.clusterIps);
  // Rule I4: without a ClusterIP of the family the Service does not exist for it.
  if (clusterIps.length === 0) return undefined;
  const externalIps = inputs.settings.externalIps ? ofFamily(port.externalIps) : NO_ADDRESSES;
  const loadBalancerIps = ofFamily(port.loadBalancerIps);
  const accessible = port.nodePort !== undefined || externalIps.length > 0 || loadBalancerIps.length > 0;
  const endpoints = usableEndpoints({
    endpoints: inputs.endpoints,
    family,
    node,
    usesCluster: port.internalTrafficPolicy !== 'Local' || accessible,
    usesLocal: port.internalTrafficPolicy === 'Local' || (port.externalTrafficPolicy === 'Local' && accessible),
    previous: inputs.previous?.pools,
  });
  const frontends = makeFrontends(inputs, { clusterIps, externalIps, loadBalancerIps }, endpoints);
  const known = inputs.previous?.frontends;
  const plan: ServicePlan = {
    key: port.key,
    name: inputs.previous?.name ?? servicePortName(port),
    protocol: port.protocol,
    pools: endpoints.pools,
    frontends: known !== undefined && equalData(known, frontends) ? known : frontends,
  };
  // V8 makes copies with a spread twice as large, and few Services need one.
  if (port.affinityTimeoutS === undefined && port.healthCheckNodePort === undefined) return plan;
  return {
    ...plan,
    ...(port.affinityTimeoutS === undefined ? {} : { affinityTimeoutS: port.affinityTimeoutS }),
    ...(port.healthCheckNodePort === undefined ? {} : { healthCheckNodePort: port.healthCheckNodePort }),
  };
}

const NO_ADDRESSES: readonly IpAddress[] = [];

interface Addresses {
  readonly clusterIps: readonly IpAddress[];
  readonly externalIps: readonly IpAddress[];
  readonly loadBalancerIps: readonly IpAddress[];
}

function makeFrontends(inputs: ServiceInputs, addresses: Addresses, endpoints: UsableEndpoints): readonly Frontend[] {
  const { port, nodePlan } = inputs;
  const facts: VerdictFacts = {
    clusterIpMasquerade: nodePlan.clusterIpMasquerade,
    podsKnown: nodePlan.podDetector !== undefined,
    any: endpoints.any,
    poolSizes: { cluster: endpoints.pools.cluster.length, local: endpoints.pools.local.length },
  };
  const internal = clusterIpVerdict(port.internalTrafficPolicy, facts);
  const external = externalVerdict(port.externalTrafficPolicy, facts);
  const found: AddressFrontend[] = [];
  const offer = (frontend: AddressFrontend): void => {
    if (!found.some(({ address }) => address === frontend.address)) found.push(frontend);
  };
  // An address that a Service has twice counts once; the load balancer goes before externalIPs, so that source ranges hold.
  for (const address of addresses.clusterIps)
    offer({ kind: 'cluster-ip', address, port: port.port, verdict: internal });
  for (const address of addresses.loadBalancerIps) {
    const allowedSources = allowedSourcesOf(inputs, address);
    const restriction = allowedSources === undefined ? {} : { allowedSources };
    offer({ kind: 'load-balancer', address, port: port.port, verdict: external, ...restriction });
  }
  for (const address of addresses.externalIps)
    offer({ kind: 'external-ip', address, port: port.port, verdict: external });
  const sorted: Frontend[] = found.length > 1 ? found.sort(compareFrontends) : found;
  if (port.nodePort !== undefined) sorted.push({ kind: 'node-port', port: port.nodePort, verdict: external });
  return compact(sorted);
}

const KIND_ORDER = ['cluster-ip', 'external-ip', 'load-balancer'] as const;

function compareFrontends(a: AddressFrontend, b: AddressFrontend): number {
  if (a.kind !== b.kind) return KIND_ORDER.indexOf(a.kind) - KIND_ORDER.indexOf(b.kind);
  return a.address < b.address ? -1 : 1;
}

/**
 * Rules L3–L5: a range of all addresses, or no range of this family, leaves the Service open. A node that lies in a range
 * may also use the load balancer's address itself as source, because it has that address locally.
 */
function allowedSourcesOf({ port, family, node }: ServiceInputs, vip: IpAddress): readonly Cidr[] | undefined {
  const ranges = port.sourceRanges.filter((cidr) => familyOf(cidr) === family);
  if (ranges.length === 0 || ranges.some((cidr) => prefixLength(cidr) === 0)) return undefined;
  const nodeAddress = node.addresses.find((address) => familyOf(address) === family);
  const nodeAllowed = nodeAddress !== undefined && ranges.some((cidr) => cidrContains(cidr, nodeAddress));
  return disjointCidrs(nodeAllowed ? [...ranges, hostCidr(vip)] : ranges);
}
