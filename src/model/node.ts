import type { Cidr, IpAddress } from './address.ts';

/** What the compiler knows of the node that it compiles for. */
export interface NodeInfo {
  readonly name: string;
  /** The node's own addresses, the primary of each family first (InternalIP before ExternalIP). */
  readonly addresses: readonly IpAddress[];
  /** Every address of an interface of this machine, loopback included; NodePort address ranges select from these. */
  readonly interfaceAddresses: readonly IpAddress[];
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  readonly podCidrs: readonly Cidr[];
}
