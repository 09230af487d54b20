import { compact } from '../base/compact.ts';
import { assertNever } from '../base/errors.ts';
import type { MapDraft } from '../base/persistent-map.ts';
import { PersistentMap } from '../base/persistent-map.ts';
import type { Cidr, IpAddress } from './address.ts';
import type { EndpointSlice } from './decode-endpoint-slice.ts';
import { decodeEndpointSlice } from './decode-endpoint-slice.ts';
import type { NodeFacts } from './decode-node.ts';
import { decodeNode } from './decode-node.ts';
import { decodeService } from './decode-service.ts';
import { decodeServiceCidr } from './decode-service-cidr.ts';
import type { Endpoint } from './endpoint.ts';
import type { Decoded } from './fields.ts';
import { keepEndpoints, keepIdentity, mergeEndpoints, patchEndpoints } from './merge-endpoints.ts';
import type { ObjectIdentity } from './object.ts';
import type { Problem } from './problem.ts';
import type { ObjectName, ServicePort, ServicePortKey } from './service.ts';
import type { Snapshot } from './snapshot.ts';

/** The new state of one object; `json: undefined` means that it is gone. */
export interface ObjectEvent extends ObjectIdentity {
  readonly json: unknown;
  /** `file.yaml:12`, for messages. */
  readonly origin?: string | undefined;
}

/** More addresses for one Service: its ports of this number are served there too, as on the addresses of a load balancer. */
export interface LentAddresses {
  readonly service: ObjectName;
  readonly port: number;
  readonly addresses: readonly IpAddress[];
}

const NO_PORTS: readonly ServicePort[] = [];
const NO_SLICES: readonly EndpointSlice[] = [];
const NOTHING: Decoded<never> = { value: undefined, problems: [] };

/** Slices of one Service that changed since the last snapshot, as they were in it. */
type FormerSlices = Map<ObjectName, EndpointSlice | undefined>;

/**
 * The objects of the cluster as last heard of. Events may come in any order; an event costs as much as its Service is large,
 * and equal content gives equal snapshots whatever happened before.
 */
export class Store {
  readonly #lent: LentAddresses | undefined;
  /** Every Service that exists, by name; those that are hidden or skipped have no ports. */
  readonly #services = new Map<ObjectName, readonly ServicePort[]>();
  readonly #slices = new Map<ObjectName, EndpointSlice>();
  /** The same slices by Service, whether or not the Service exists. */
  readonly #slicesOf = new Map<ObjectName, readonly EndpointSlice[]>();
  readonly #nodes = new Map<string, NodeFacts>();
  readonly #serviceCidrs = new Map<string, readonly Cidr[]>();
  /** All of them, sorted. */
  #cidrs: readonly Cidr[] = [];
  readonly #problems = new Map<string, readonly Problem[]>();
  /** What the last snapshot has of a Service. */
  readonly #published = new Map<ObjectName, readonly ServicePort[]>();
  /** Services whose part of the snapshot is out of date. */
  readonly #dirty = new Map<ObjectName, FormerSlices | undefined>();
  #snapshot: Snapshot = {
    revision: 0,
    servicePorts: PersistentMap.empty(),
    endpoints: PersistentMap.empty(),
    serviceCidrs: [],
  };

  constructor(lent?: LentAddresses) {
    this.#lent = lent;
  }

  apply(event: ObjectEvent): void {
    switch (event.kind) {
      case 'Service':
        return this.#applyService(event);
      case 'EndpointSlice':
        return this.#applySlice(event);
      case 'Node':
        return setOrDelete(this.#nodes, event.name, this.#decode(event, decodeNode));
      case 'ServiceCIDR':
        setOrDelete(this.#serviceCidrs, event.name, this.#decode(event, decodeServiceCidr));
        this.#cidrs = keepIdentity(this.#cidrs, [...new Set([...this.#serviceCidrs.values()].flat())].sort());
        return undefined;
      case 'Namespace':
      case 'Pod':
        return undefined; // Cluster DNS reads them, rules do not depend on them.
      default:
        return assertNever(event.kind);
    }
  }

  /** The state as of the last event. The same object as the time before when nothing of it changed. */
  snapshot(): Snapshot {
    const before = this.#snapshot;
    const ports = new Map<ServicePortKey, ServicePort | undefined>();
    for (const service of this.#dirty.keys()) this.#portsOf(service, ports);
    const servicePorts = before.servicePorts.update((draft) => {
      for (const [key, port] of ports) put(draft, key, port);
    });
    const endpoints = before.endpoints.update((draft) => {
      for (const [key, port] of ports) put(draft, key, port === undefined ? undefined : this.#endpointsAt(port));
    });
    this.#dirty.clear();
    const serviceCidrs = this.#cidrs;
    const same =
      servicePorts === before.servicePorts && endpoints === before.endpoints && serviceCidrs === before.serviceCidrs;
    if (!same) this.#snapshot = { revision: before.revision + 1, servicePorts, endpoints, serviceCidrs };
    return this.#snapshot;
  }

  /** By name. Facts that did not change are the same object. */
  nodes(): ReadonlyMap<string, NodeFacts> {
    return this.#nodes;
  }

  /** What is wrong with the objects as they are now; sorted by object. */
  problems(): readonly Problem[] {
    const sorted = [...this.#problems].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.flatMap(([, problems]) => problems);
  }

  /** Names of slices whose Service does not exist: a mistake in manifests, a passing moment with an API server. */
  orphanSlices(): readonly ObjectName[] {
    const orphans = [...this.#slices.values()].filter((slice) => !this.#services.has(slice.service));
    return orphans.map((slice) => slice.name).sort();
  }

  #applyService(event: ObjectEvent): void {
    const ports = this.#decode(event, decodeService);
    this.#touch(event.name);
    if (event.json === undefined) this.#services.delete(event.name);
    else this.#services.set(event.name, this.#withLent(event.name, ports ?? NO_PORTS));
  }

  #withLent(service: ObjectName, ports: readonly ServicePort[]): readonly ServicePort[] {
    const lent = this.#lent;
    if (lent?.service !== service) return ports;
    return ports.map((port) =>
      port.port === lent.port ? { ...port, loadBalancerIps: [...port.loadBalancerIps, ...lent.addresses] } : port,
    );
  }

  #applySlice(event: ObjectEvent): void {
    const before = this.#slices.get(event.name);
    const decoded = this.#decode(event, decodeEndpointSlice);
    const after = before === undefined || decoded === undefined ? decoded : keepEndpoints(before, decoded);
    if (before !== undefined) {
      this.#touch(before.service, before);
      const siblings = this.#slicesOf.get(before.service)?.filter(({ name }) => name !== event.name) ?? NO_SLICES;
      if (siblings.length === 0) this.#slicesOf.delete(before.service);
      else this.#slicesOf.set(before.service, siblings);
    }
    if (after !== undefined) {
      if (after.service !== before?.service) this.#touch(after.service, event.name);
      const siblings = this.#slicesOf.get(after.service) ?? NO_SLICES;
      this.#slicesOf.set(after.service, compact([...siblings, after]));
    }
    setOrDelete(this.#slices, event.name, after);
  }

  /** Before its Service, or one of the slices, becomes another. `slice`: as it was, or the name of a new one. */
  #touch(service: ObjectName, slice?: EndpointSlice | ObjectName): void {
    // A merge of one or two slices is as cheap as a patch.
    if (!this.#dirty.has(service)) {
      const many = (this.#slicesOf.get(service)?.length ?? 0) > 2;
      this.#dirty.set(service, many ? new Map() : undefined);
    }
    if (slice === undefined) return;
    const former = this.#dirty.get(service);
    const name = typeof slice === 'string' ? slice : slice.name;
    if (former?.has(name) === false) former.set(name, typeof slice === 'string' ? undefined : slice);
  }

  #decode<T>(event: ObjectEvent, decode: (json: unknown, origin?: string) => Decoded<T>): T | undefined {
    const { value, problems } = event.json === undefined ? NOTHING : decode(event.json, event.origin);
    if (problems.length > 0) this.#problems.set(problemKey(event), problems);
    else if (this.#problems.size > 0) this.#problems.delete(problemKey(event));
    return value;
  }

  /** Adds the ports that the Service has now, and `undefined` for those that it had in the last snapshot. */
  #portsOf(service: ObjectName, into: Map<ServicePortKey, ServicePort | undefined>): void {
    const { servicePorts } = this.#snapshot;
    for (const { key } of this.#published.get(service) ?? NO_PORTS) into.set(key, undefined);
    const ports = this.#services.get(service) ?? NO_PORTS;
    for (const port of ports) into.set(port.key, keepIdentity(servicePorts.get(port.key), port));
    if (ports.length === 0) this.#published.delete(service);
    else this.#published.set(service, ports);
  }

  #endpointsAt(port: ServicePort): readonly Endpoint[] {
    const slices = this.#slicesOf.get(port.service) ?? NO_SLICES;
    const before = this.#snapshot.endpoints.get(port.key);
    const formerly = this.#dirty.get(port.service);
    const patched =
      before === undefined || formerly === undefined ? undefined : patchEndpoints(port, before, { slices, formerly });
    return keepIdentity(before, patched ?? mergeEndpoints(port, slices));
  }
}

function problemKey({ kind, name }: ObjectEvent): string {
  return `${kind} ${name}`;
}

function put<V>(draft: MapDraft<V>, key: string, value: V | undefined): void {
  if (value === undefined) draft.delete(key);
  else draft.set(key, value);
}

function setOrDelete<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, keepIdentity(map.get(key), value));
}
