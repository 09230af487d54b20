import type { PersistentMap } from '../base/persistent-map.ts';
import type { Cidr, IpAddress, IpFamily } from '../model/address.ts';
import type { Protocol, ServicePortKey } from '../model/service.ts';

/**
 * Who sent a packet, decided in this order: a `pod` (recognised by {@link NodePlan.podDetector}), the `node` itself
 * (source is one of its addresses), anyone else (`outside`).
 */
export type Origin = 'pod' | 'node' | 'outside';

export type PoolName = 'cluster' | 'local';

export type Action =
  | { readonly kind: 'forward'; readonly pool: PoolName; readonly masquerade: boolean }
  | { readonly kind: 'reject' }
  | { readonly kind: 'drop' };

/**
 * The whole of traffic policy, short cuts and source NAT for one frontend. Two promises that backends build on:
 * without a pod detector the rows `pod` and `outside` are equal; with one, `pod` and `node` never differ in their pool.
 */
export type Verdict = Readonly<Record<Origin, Action>>;

/** Where an endpoint is, as a DNAT target. `local`: on this node. */
export interface Target {
  readonly address: IpAddress;
  readonly port: number;
  readonly local: boolean;
}

export type FrontendKind = 'cluster-ip' | 'external-ip' | 'load-balancer' | 'node-port';

interface FrontendBase {
  /** The port that clients connect to. */
  readonly port: number;
  readonly verdict: Verdict;
}

/** A destination with an address of its own. */
export interface AddressFrontend extends FrontendBase {
  readonly kind: Exclude<FrontendKind, 'node-port'>;
  readonly address: IpAddress;
  /**
   * Clients that may use it: disjoint networks, sorted; `undefined` means everybody. Others are dropped before DNAT,
   * whatever the verdict says. Load-balancer frontends only.
   */
  readonly allowedSources?: readonly Cidr[];
}

/** The same port on every address of {@link NodePlan.nodePortAddresses}. */
export interface NodePortFrontend extends FrontendBase {
  readonly kind: 'node-port';
}

export type Frontend = AddressFrontend | NodePortFrontend;

/** Everything that the node does for one service port in one family. Immutable; unchanged means identical. */
export interface ServicePlan {
  readonly key: ServicePortKey;
  /** `namespace/name:portName`, for comments and hashes. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Usable endpoints, sorted as text by `address:port`; a pool that no verdict can use is empty. */
  readonly pools: Readonly<Record<PoolName, readonly Target[]>>;
  /** Sorted: ClusterIP, external, load balancer, NodePort. Destinations lost to an older Service are not in it. */
  readonly frontends: readonly Frontend[];
  /** Session affinity by client address, seconds. */
  readonly affinityTimeoutS?: number;
  readonly healthCheckNodePort?: number;
}

/** How packets of local pods (or of the cluster's pods) are told from others. */
export type PodDetector =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'bridge'; readonly interfaceName: string }
  | { readonly kind: 'interface-prefix'; readonly prefix: string };

/** Which addresses of the node serve NodePorts. Loopback is left out unless `loopback` says otherwise. */
export type NodePortAddresses =
  | { readonly kind: 'all'; readonly loopback: boolean }
  | { readonly kind: 'listed'; readonly addresses: readonly IpAddress[]; readonly loopback: boolean };

/** What is the same for all Services of one family. */
export interface NodePlan {
  /** Absent when nothing is known for this family: then pods cannot be told from anybody else. */
  readonly podDetector?: PodDetector;
  readonly nodePortAddresses: NodePortAddresses;
  /** The masquerade column of every ClusterIP verdict. */
  readonly clusterIpMasquerade: 'always' | 'not-pod' | 'never';
  /** Networks from which ClusterIPs are allocated, disjoint, sorted. */
  readonly serviceCidrs: readonly Cidr[];
  /** Addresses of this machine's interfaces, sorted; only where {@link CompileSettings.namesInterfaceAddresses} asks for them. */
  readonly interfaceAddresses?: readonly IpAddress[];
}

/** Two Services want the same destination. The older keeps it. */
export interface Conflict {
  /** `10.0.0.1:80/tcp`, `*:30080/tcp` for a NodePort. */
  readonly destination: string;
  readonly winner: ServicePortKey;
  readonly loser: ServicePortKey;
}

/** Every decision for one family, ready to be spelled by a backend. */
export interface Plan {
  readonly family: IpFamily;
  readonly node: NodePlan;
  /** Keyed by {@link ServicePlan.key}; only service ports that have a frontend in this family. */
  readonly services: PersistentMap<ServicePlan>;
}

/** What the configuration says, as far as rules go. */
export interface CompileSettings {
  readonly masqueradeAll: boolean;
  readonly detectLocal:
    | { readonly mode: 'ClusterCIDR'; readonly clusterCidrs: readonly Cidr[] }
    | { readonly mode: 'NodeCIDR' }
    | { readonly mode: 'BridgeInterface'; readonly interfaceName: string }
    | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string };
  /** `primary`, or networks to select from the node's addresses; an empty list means all addresses. */
  readonly nodePortAddresses: 'primary' | readonly Cidr[];
  /** Do externalIPs get rules? (Feature gate AllowServiceExternalIPs, KEP-5707.) */
  readonly externalIps: boolean;
  /** NodePorts on 127.0.0.0/8 (IPv4, for backends that can). */
  readonly localhostNodePorts: boolean;
  /** Do rules name the addresses of the node's interfaces? They all change then whenever one of those does. */
  readonly namesInterfaceAddresses?: boolean;
}
