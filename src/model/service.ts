import type { Cidr, IpAddress } from './address.ts';

/** The transport protocols a Service can have, in lower case as nft and iptables spell them. */
export const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

export type Protocol = (typeof PROTOCOLS)[number];

export type TrafficPolicy = 'Cluster' | 'Local';

/** `namespace/name` of a Service or another object. */
export type ObjectName = string;

/** `namespace/name:portName/protocol`: unique, the key of everything that is per service port. */
export type ServicePortKey = string;

/**
 * One (namespace, name, port name, protocol) of a Service that the dataplane serves, both address families together.
 * Everything in it is parsed; lists are in the order of the object, without duplicates.
 */
export interface ServicePort {
  readonly key: ServicePortKey;
  /** `namespace/name`. */
  readonly service: ObjectName;
  /** Empty when the only port of a Service has no name. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIps: readonly IpAddress[];
  /** Absent for Services that have none (type ClusterIP, `allocateLoadBalancerNodePorts: false`). */
  readonly nodePort?: number;
  readonly externalIps: readonly IpAddress[];
  /** Load-balancer addresses with `ipMode: VIP` (the default); those with `ipMode: Proxy` never reach the node (KEP-1860). */
  readonly loadBalancerIps: readonly IpAddress[];
  /** `loadBalancerSourceRanges`; for a family without one the Service is open to everybody. */
  readonly sourceRanges: readonly Cidr[];
  readonly internalTrafficPolicy: TrafficPolicy;
  /** Already `Cluster` for Services to which the field does not apply (those that nobody reaches from outside). */
  readonly externalTrafficPolicy: TrafficPolicy;
  /** Session affinity by client address, in seconds; absent means none. */
  readonly affinityTimeoutS?: number;
  readonly healthCheckNodePort?: number;
  /** Milliseconds since 1970; the older of two Services that claim one address wins. */
  readonly createdAtMs: number;
}

/** `namespace/name:portName`, as kube-proxy writes it in comments and chain hashes; unnamed ports have no `:`. */
export function servicePortName(port: Pick<ServicePort, 'service' | 'portName'>): string {
  return port.portName === '' ? port.service : `${port.service}:${port.portName}`;
}

export function servicePortKey(service: ObjectName, portName: string, protocol: Protocol): ServicePortKey {
  return `${service}:${portName}/${protocol}`;
}
