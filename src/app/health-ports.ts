import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { IpFamily } from '../model/address.ts';
import { familyOf } from '../model/address.ts';
import type { ObjectName, ServicePort, ServicePortKey } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** A Service with `healthCheckNodePort`, as one family has it. */
interface HealthPort {
  readonly port: number;
  /** Distinct addresses of ready endpoints on this node, over all ports of the Service. */
  readonly localEndpoints: number;
}

/**
 * The Services that a load balancer asks this node about (section 4.4 of the reference), found at the cost of what changed
 * since the last time.
 */
export class HealthPorts {
  readonly #family: IpFamily;
  #ports: Snapshot['servicePorts'] = PersistentMap.empty();
  #endpoints: Snapshot['endpoints'] = PersistentMap.empty();
  #nodeName: string | undefined;
  /** Service ports with a health check port, by Service. */
  readonly #keys = new Map<ObjectName, Set<ServicePortKey>>();
  readonly #services = new Map<ObjectName, HealthPort>();

  constructor(family: IpFamily) {
    this.#family = family;
  }

  update({ servicePorts, endpoints }: Snapshot, nodeName: string): ReadonlyMap<ObjectName, HealthPort> {
    const dirty = new Set<ObjectName>();
    diffMaps(this.#ports, servicePorts, (key, before, after) => {
      if (before !== undefined && this.#counts(before)) this.#forget(before.service, key, dirty);
      if (after === undefined || !this.#counts(after)) return;
      const keys = this.#keys.get(after.service) ?? new Set();
      this.#keys.set(after.service, keys.add(key));
      dirty.add(after.service);
    });
    diffMaps(this.#endpoints, endpoints, (key) => {
      const service = servicePorts.get(key)?.service;
      if (service !== undefined && this.#keys.has(service)) dirty.add(service);
    });
    if (this.#nodeName !== nodeName) for (const service of this.#keys.keys()) dirty.add(service);
    this.#ports = servicePorts;
    this.#endpoints = endpoints;
    this.#nodeName = nodeName;
    for (const service of dirty) this.#count(service);
    return this.#services;
  }

  #counts({ healthCheckNodePort, externalTrafficPolicy, clusterIps }: ServicePort): boolean {
    return (
      healthCheckNodePort !== undefined &&
      externalTrafficPolicy === 'Local' &&
      clusterIps.some((address) => familyOf(address) === this.#family)
    );
  }

  #forget(service: ObjectName, key: ServicePortKey, dirty: Set<ObjectName>): void {
    const keys = this.#keys.get(service);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(service);
    dirty.add(service);
  }

  #count(service: ObjectName): void {
    const keys = this.#keys.get(service);
    const [first] = keys ?? [];
    const port = first === undefined ? undefined : this.#ports.get(first)?.healthCheckNodePort;
    if (keys === undefined || port === undefined) {
      this.#services.delete(service);
      return;
    }
    const addresses = new Set<string>();
    for (const key of keys) {
      for (const { address, ready, nodeName } of this.#endpoints.get(key) ?? []) {
        if (ready && nodeName === this.#nodeName && familyOf(address) === this.#family) addresses.add(address);
      }
    }
    this.#services.set(service, { port, localEndpoints: addresses.size });
  }
}
