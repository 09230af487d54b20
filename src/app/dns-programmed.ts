import type { FamilyReport } from '../applier/family-sync.ts';
import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { ServicePlan } from '../compiler/plan.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import type { DnsChange } from '../model/dns-change.ts';
import type { Octets } from '../model/dns-octets.ts';
import { addressOctets } from '../model/dns-octets.ts';
import type { ObjectName, ServicePortKey } from '../model/service.ts';

/** Which cluster addresses the kernel has rules for, as far as DNS wants to know. */
export class ProgrammedAddresses {
  readonly #plans = new Map<IpFamily, PersistentMap<ServicePlan>>();
  /** By Service and address: how many of its ports have rules. */
  readonly #ports = new Map<ObjectName, ReadonlyMap<IpAddress, number>>();

  /** What is different since the last sync of the family. */
  update({ family, plan }: Pick<FamilyReport, 'family' | 'plan'>): readonly DnsChange[] {
    const before = this.#plans.get(family) ?? PersistentMap.empty<ServicePlan>();
    this.#plans.set(family, plan.services);
    const changed = new Set<ObjectName>();
    diffMaps(before, plan.services, (key) => {
      const service = serviceOf(key);
      this.#count(service, clusterAddressesOf(before.get(key)), -1);
      this.#count(service, clusterAddressesOf(plan.services.get(key)), 1);
      changed.add(service);
    });
    return Array.from(changed, (name) => ({ kind: 'Programmed', name, value: this.#octetsOf(name) }) as const);
  }

  /** The cluster addresses of a Service that the kernel has rules for. */
  addressesOf(service: ObjectName): readonly IpAddress[] {
    return [...(this.#ports.get(service)?.keys() ?? [])];
  }

  #count(service: ObjectName, addresses: readonly IpAddress[], step: number): void {
    if (addresses.length === 0) return;
    const counts = new Map(this.#ports.get(service));
    for (const address of addresses) {
      const count = (counts.get(address) ?? 0) + step;
      if (count === 0) counts.delete(address);
      else counts.set(address, count);
    }
    if (counts.size === 0) this.#ports.delete(service);
    else this.#ports.set(service, counts);
  }

  #octetsOf(service: ObjectName): readonly Octets[] | undefined {
    const addresses = this.addressesOf(service);
    return addresses.length === 0 ? undefined : addresses.map(addressOctets);
  }
}

function serviceOf(key: ServicePortKey): ObjectName {
  return key.slice(0, key.indexOf(':'));
}

function clusterAddressesOf(plan: ServicePlan | undefined): readonly IpAddress[] {
  return (plan?.frontends ?? []).flatMap((frontend) => (frontend.kind === 'cluster-ip' ? [frontend.address] : []));
}
