import type { PersistentMap } from '../base/persistent-map.ts';
import type { Cidr } from './address.ts';
import type { Endpoint } from './endpoint.ts';
import type { ServicePort } from './service.ts';

/**
 * One moment of the cluster as far as Services go. Snapshots share structure: a service port or endpoint list that
 * did not change is the same object as in the snapshot before, which is what makes every later stage incremental.
 */
export interface Snapshot {
  /** Grows with every change; equal revisions of one store are the same snapshot. */
  readonly revision: number;
  /** Keyed by {@link ServicePort.key}. */
  readonly servicePorts: PersistentMap<ServicePort>;
  /** Keyed like `servicePorts`; merged over all slices of the Service, sorted by address and port, one entry per address and port. */
  readonly endpoints: PersistentMap<readonly Endpoint[]>;
  /** From ServiceCIDR objects; empty when there are none. */
  readonly serviceCidrs: readonly Cidr[];
}
