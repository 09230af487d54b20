import { equalData } from '../../base/equal.ts';
import type { DnsChange, DnsPod } from '../../model/dns-change.ts';
import type { Octets } from '../../model/dns-octets.ts';
import type { DnsPort, DnsService } from '../../model/dns-service.ts';
import type { DnsSlice } from '../../model/dns-slice.ts';
import { assertNever } from '../../base/errors.ts';
import { AddressIndex } from './address-index.ts';
import { addressesOf, ServiceRecord } from './service-record.ts';
import type { SliceRecord } from './service-record.ts';

/** A label or several on the wire, without the root: `\x03web\x07default`. */
type LabelsKey = string;

/** More different lists of ports than that, and the table of them is begun anew. */
const MAX_SHARED_PORTS = 4096;

function wireLabels(text: string, separator = '/'): LabelsKey {
  return text
    .split(separator)
    .toReversed()
    .map((label) => `${String.fromCharCode(label.length)}${label}`)
    .join('');
}

/** Told when a change can be seen whose cause has a time, in milliseconds since 1970. */
export type TimedChangeListener = (kind: DnsService['kind'], triggeredDateMs: number) => void;

/**
 * The objects of the cluster as DNS sees them. A change costs what its object is large; answers are made when they are first
 * asked for, and live as long as what they were made of.
 */
export class ZoneData {
  readonly #gated: boolean;
  readonly #onTimedChange: TimedChangeListener;
  readonly #services = new Map<LabelsKey, ServiceRecord>();
  readonly #slices = new Map<string, SliceRecord>();
  readonly #declaredNamespaces = new Set<LabelsKey>();
  /** Namespace → how many Services are in it: files often lack the Namespace itself. */
  readonly #servicesIn = new Map<LabelsKey, number>();
  readonly #pods = new Map<string, DnsPod>();
  /** Namespace and address together → how many pods. */
  readonly #podAddresses = new Map<string, number>();
  readonly #namespaceLabels = new Map<string, LabelsKey>();
  readonly #sharedPorts = new Map<string, readonly DnsPort[]>();
  /** Services by cluster address, slices by endpoint address. */
  readonly clusterAddresses = new AddressIndex<ServiceRecord>();
  readonly endpointAddresses = new AddressIndex<SliceRecord>();
  /** Of the SOA record: Unix seconds of the last change that can be seen, 0 before the first. */
  serial = 0;

  constructor(gated: boolean, onTimedChange: TimedChangeListener) {
    this.#gated = gated;
    this.#onTimedChange = onTimedChange;
  }

  /** @param serial the time of the changes, for the SOA record. @returns whether anything differs. */
  apply(changes: readonly DnsChange[], serial: number): boolean {
    const differs = changes.map((change) => this.#applyOne(change)).includes(true);
    if (differs) this.serial = serial;
    return differs;
  }

  /** By the labels `\x03web\x07default`. */
  service(labels: LabelsKey): ServiceRecord | undefined {
    return this.#services.get(labels);
  }

  /** What is known under the name of any Service. */
  get services(): Iterable<ServiceRecord> {
    return this.#services.values();
  }

  /** By the label `\x07default`. */
  hasNamespace(label: LabelsKey): boolean {
    return this.#declaredNamespaces.has(label) || this.#servicesIn.has(label);
  }

  /** By the label of the namespace. */
  hasPod(namespace: LabelsKey, address: Octets): boolean {
    return this.#podAddresses.has(namespace + address);
  }

  #applyOne(change: DnsChange): boolean {
    switch (change.kind) {
      case 'Service':
        return this.#applyService(change.name, change.value);
      case 'EndpointSlice':
        return this.#applySlice(change.name, change.value) && this.#tellTime(change);
      case 'Namespace':
        return this.#applyNamespace(wireLabels(change.name), change.value === true);
      case 'Pod':
        return this.#applyPod(change.name, change.value);
      case 'Programmed':
        return this.#update(change.name, (record) => record.setProgrammed(change.value));
      default:
        return assertNever(change);
    }
  }

  #applyService(name: string, value: DnsService | undefined): boolean {
    return this.#update(name, (record) => {
      if (equalData(record.service, value)) return false;
      const before = record.service;
      for (const address of clusterAddressesOf(before)) this.clusterAddresses.remove(address, record);
      for (const address of clusterAddressesOf(value)) this.clusterAddresses.add(address, record);
      record.setService(value?.kind === 'cluster' ? { ...value, ports: this.#share(value.ports) } : value);
      const step = Number(value !== undefined) - Number(before !== undefined);
      if (step !== 0) count(this.#servicesIn, record.namespace, step);
      return true;
    });
  }

  #applySlice(name: string, value: DnsSlice | undefined): boolean {
    const before = this.#slices.get(name);
    if (equalData(before?.slice, value)) return false;
    if (before !== undefined) {
      this.#slices.delete(name);
      for (const address of addressesOf(before.slice)) this.endpointAddresses.remove(address, before);
      this.#update(before.owner.name, (record) => record.removeSlice(before));
    }
    if (value === undefined) return true;
    return this.#update(value.service, (owner) => {
      const { addresses, hosts, zones } = value;
      const ports = this.#share(value.ports);
      // Constants and the owner's own text instead of what came with the message: there are tens of thousands of these.
      const common = {
        service: owner.name,
        family: value.family === 'IPv4' ? 'IPv4' : 'IPv6',
        addresses,
        ports,
      } as const;
      const named = hosts === undefined ? common : { ...common, hosts };
      const after = { name, owner, slice: zones === undefined ? named : { ...named, zones } };
      this.#slices.set(name, after);
      for (const address of addressesOf(after.slice)) this.endpointAddresses.add(address, after);
      return owner.addSlice(after);
    });
  }

  #tellTime({ value, triggeredDateMs }: DnsChange & { readonly kind: 'EndpointSlice' }): true {
    const kind = this.#services.get(wireLabels(value?.service ?? ''))?.service?.kind;
    if (triggeredDateMs !== undefined && kind !== undefined) this.#onTimedChange(kind, triggeredDateMs);
    return true;
  }

  #applyNamespace(label: LabelsKey, exists: boolean): boolean {
    if (!exists) return this.#declaredNamespaces.delete(label);
    const isNew = !this.#declaredNamespaces.has(label);
    this.#declaredNamespaces.add(label);
    return isNew;
  }

  #applyPod(name: string, value: DnsPod | undefined): boolean {
    const before = this.#pods.get(name);
    if (equalData(before, value)) return false;
    const namespace = wireLabels(name.slice(0, name.indexOf('/')));
    for (const address of before?.addresses ?? []) count(this.#podAddresses, namespace + address, -1);
    for (const address of value?.addresses ?? []) count(this.#podAddresses, namespace + address, 1);
    if (value === undefined) this.#pods.delete(name);
    else this.#pods.set(name, value);
    return true;
  }

  /** Changes what is known under the name of a Service; a record of nothing is forgotten. */
  #update(name: string, change: (record: ServiceRecord) => boolean): boolean {
    const [namespace = '', service = ''] = name.split('/');
    const key = wireLabels(`${namespace}/${service}`);
    const record = this.#services.get(key) ?? new ServiceRecord(name, this.#namespaceLabel(namespace), this.#gated);
    const differs = change(record);
    if (record.isEmpty) {
      this.#services.delete(key);
      if (!this.#servicesIn.has(record.namespace)) this.#namespaceLabels.delete(namespace);
    } else this.#services.set(key, record);
    return differs;
  }

  /** The same text for all Services of a namespace. */
  #namespaceLabel(namespace: string): LabelsKey {
    const known = this.#namespaceLabels.get(namespace);
    if (known !== undefined) return known;
    const label = wireLabels(namespace);
    this.#namespaceLabels.set(namespace, label);
    return label;
  }

  /** Most slices of a cluster have one of a few lists of ports. */
  #share(ports: readonly DnsPort[]): readonly DnsPort[] {
    const key = JSON.stringify(ports);
    const known = this.#sharedPorts.get(key);
    if (known !== undefined) return known;
    if (this.#sharedPorts.size >= MAX_SHARED_PORTS) this.#sharedPorts.clear();
    this.#sharedPorts.set(key, ports);
    return ports;
  }
}

function clusterAddressesOf(service: DnsService | undefined): readonly Octets[] {
  return service?.kind === 'cluster' ? service.addresses : [];
}

function count(map: Map<string, number>, key: string, step: number): void {
  const now = (map.get(key) ?? 0) + step;
  if (now === 0) map.delete(key);
  else map.set(key, now);
}
