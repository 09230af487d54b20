import type { Octets } from '../../model/dns-octets.ts';
import { compact } from '../../base/compact.ts';
import { equalData } from '../../base/equal.ts';
import type { DnsPort, DnsService } from '../../model/dns-service.ts';
import type { DnsSlice } from '../../model/dns-slice.ts';
import { dashedLabel } from './address-labels.ts';
import type { Finding } from './finding.ts';
import type { Zone } from './settings.ts';

/** An EndpointSlice and the Service that it says it belongs to, which need not exist. */
export interface SliceRecord {
  readonly name: string;
  readonly owner: ServiceRecord;
  readonly slice: DnsSlice;
}

/** A ready endpoint as one slice has it. */
export interface EndpointName {
  readonly address: Octets;
  /** Its label below the Service. */
  readonly host: string;
  /** Its topology zone, where the slices have been read with it. */
  readonly zone?: string;
}

/** An endpoint and the ports of its slice. */
export interface Candidate extends EndpointName {
  readonly ports: readonly DnsPort[];
}

/** The addresses of a slice, in its order. */
export function addressesOf({ family, addresses }: DnsSlice): readonly Octets[] {
  const width = family === 'IPv4' ? 4 : 16;
  return Array.from({ length: addresses.length / width }, (_, i) => addresses.slice(i * width, (i + 1) * width));
}

/** The endpoints of a slice, in its order. */
export function endpointsOf(slice: DnsSlice): readonly EndpointName[] {
  return addressesOf(slice).map((address, i) => {
    const host = slice.hosts?.[i] || dashedLabel(address);
    const zone = slice.zones?.[i];
    return zone === undefined || zone === '' ? { address, host } : { address, host, zone };
  });
}

const NONE: readonly Octets[] = [];

/** All that is known about one Service, with the answers that were made of it. */
export class ServiceRecord {
  /** `namespace/name`. */
  readonly name: string;
  /** The label of the namespace on the wire. */
  readonly namespace: string;
  readonly #gated: boolean;
  #service: DnsService | undefined;
  #programmed: readonly Octets[] | undefined;
  /** Sorted by name, so that answers do not depend on the order of events. */
  #slices: readonly SliceRecord[] = [];
  #candidates: readonly Candidate[] | undefined;
  /** Findings for the name itself, and for names below it. */
  #bare: readonly Finding[] = [];
  #below: Map<string, readonly Finding[]> | undefined;

  constructor(name: string, namespace: string, gated: boolean) {
    this.name = name;
    this.namespace = namespace;
    this.#gated = gated;
  }

  get service(): DnsService | undefined {
    return this.#service;
  }

  get isEmpty(): boolean {
    return this.#service === undefined && this.#programmed === undefined && this.#slices.length === 0;
  }

  /** The cluster addresses that may be given out; none for other kinds of Services. */
  get addresses(): readonly Octets[] {
    const service = this.#service;
    if (service?.kind !== 'cluster') return NONE;
    if (!this.#gated || !service.programmed) return service.addresses;
    return service.addresses.filter((address) => this.#programmed?.includes(address) === true);
  }

  /** Every ready endpoint once per address, name and list of ports, however many slices have it. */
  get candidates(): readonly Candidate[] {
    this.#candidates ??= [
      ...new Map(
        this.#slices.flatMap(({ slice }) =>
          endpointsOf(slice).map((endpoint) => {
            const { ports } = slice;
            return [`${endpoint.address}/${endpoint.host}/${portsKey(ports)}`, { ...endpoint, ports }] as const;
          }),
        ),
      ).values(),
    ];
    return this.#candidates;
  }

  setService(service: DnsService | undefined): void {
    this.#service = service;
    this.#forget();
  }

  /** @returns whether that makes a difference. */
  setProgrammed(addresses: readonly Octets[] | undefined): boolean {
    const before = this.addresses;
    this.#programmed = addresses;
    if (equalData(before, this.addresses)) return false;
    this.#forget();
    return true;
  }

  addSlice(slice: SliceRecord): true {
    const slices = [...this.#slices, slice].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#slices = compact(slices);
    this.#forget();
    return true;
  }

  removeSlice(slice: SliceRecord): true {
    this.#slices = this.#slices.filter((known) => known !== slice);
    this.#forget();
    return true;
  }

  /**
   * What was found for the same question before.
   *
   * @param labels on the wire, in front of the name of the Service; empty for that itself.
   */
  recall(labels: string, type: number, zone: Zone): Finding | undefined {
    const findings = labels === '' ? this.#bare : this.#below?.get(labels);
    if (findings !== undefined) {
      for (const finding of findings) if (finding.type === type && finding.zone === zone) return finding;
    }
    return undefined;
  }

  remember(labels: string, finding: Finding): Finding {
    if (labels === '') this.#bare = compact([...this.#bare, finding]);
    else {
      this.#below ??= new Map();
      this.#below.set(labels, compact([...(this.#below.get(labels) ?? []), finding]));
    }
    return finding;
  }

  #forget(): void {
    this.#candidates = undefined;
    this.#bare = [];
    this.#below = undefined;
  }
}

function portsKey(ports: readonly DnsPort[]): string {
  return ports.map(({ name, protocol, port }) => `${name}:${protocol}:${port}`).join(',');
}
