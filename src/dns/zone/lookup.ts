import { cidrContains, parseIpAddress } from '../../model/address.ts';
import type { Octets } from '../../model/dns-octets.ts';
import { addressOctets } from '../../model/dns-octets.ts';
import { TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { isUnder, labelsOf } from '../wire/name.ts';
import { ZoneTable } from '../zone-table.ts';
import { addressText, isPartOfReverse, parseDashed, parseReverse, REVERSE_ZONES } from './address-labels.ts';
import { AnswerBuilder } from './answer.ts';
import type { ZoneData } from './data.ts';
import type { Finding } from './finding.ts';
import { Question } from './question.ts';
import { reverseZones } from './reverse-zones.ts';
import { ServiceLookup } from './service-lookup.ts';
import type { ServiceRecord } from './service-record.ts';
import { endpointsOf } from './service-record.ts';
import type { Zone, ZoneSettings } from './settings.ts';
import { below, zoneOf } from './settings.ts';

/** The version of the specification that the records follow, which every implementation has to tell. */
const SCHEMA_VERSION = '1.1.0';
const SCHEMA_TTL_S = 28_800;

/** The Service that cluster DNS has in every cluster, on the wire. */
const CLUSTER_DNS = ['kube-dns', 'kube-system', 'svc'] as const;
const CLUSTER_DNS_KEY = '\x08kube-dns\x0bkube-system';

const NAME_SERVER = ['ns', 'dns'] as const;

const MAX_LABELS = 128;
const starts = new Uint8Array(MAX_LABELS);

/** Finds what the zones say to a question. Pure but for what it remembers: the same data, the same finding. */
export class Lookup {
  readonly #data: ZoneData;
  readonly #settings: ZoneSettings;
  /** The longest first: a zone inside another one takes precedence. */
  readonly #zones: readonly Zone[];
  readonly #primary: NameKey;
  readonly #reverseZones: readonly Zone[];
  /** Those of the cluster's own networks: nobody else knows more about their names. */
  readonly #localZones: ZoneTable<Zone>;
  readonly #services: ServiceLookup;
  readonly #nameServers: readonly Octets[];

  /** @param settings zones that are no names are left out; whoever made the settings has checked them. */
  constructor(data: ZoneData, settings: ZoneSettings) {
    this.#data = data;
    this.#settings = settings;
    const zones = settings.zones.flatMap((text, i) => zoneOf(text, 1 + i) ?? []);
    this.#primary = zones[0]?.name ?? '\0';
    this.#zones = zones.toSorted((a, b) => b.labels - a.labels);
    this.#reverseZones = Object.values(REVERSE_ZONES).flatMap(
      (text, i) => zoneOf(text, 1 + settings.zones.length + i, this.#primary) ?? [],
    );
    this.#localZones = new ZoneTable(
      this.#reverseZones.flatMap((parent) => localZonesIn(parent, settings).map((zone) => [zone.name, zone] as const)),
    );
    this.#services = new ServiceLookup(data, settings);
    this.#nameServers = settings.nameServers.map(addressOctets);
  }

  find(name: NameKey, type: number): Finding {
    let labels = 0;
    for (let at = 0; name.charCodeAt(at) > 0; at += name.charCodeAt(at) + 1) starts[labels++] = at;
    starts[labels] = name.length - 1;
    for (const zone of this.#zones) {
      const depth = labels - zone.labels;
      if (depth >= 0 && starts[depth] === name.length - zone.name.length && name.endsWith(zone.name)) {
        return this.#inZone(new Question(name, type, { zone, depth, starts }));
      }
    }
    const local = this.#localZones.find(name)?.value;
    const zone = local ?? this.#reverseZones.find((reverse) => isUnder(name, reverse.name));
    const outside: Finding = { kind: 'outside', type, zone: undefined, rule: 'outside' };
    if (zone === undefined) return outside;
    const question = new Question(name, type, { zone, depth: labels - zone.labels, starts });
    const address = parseReverse(name, labelsOf(name));
    const found = address === undefined ? undefined : this.#reverse(question, address);
    if (found !== undefined || local !== undefined) return found ?? this.#inLocalZone(question);
    return address === undefined ? outside : { ...outside, rule: 'address-elsewhere' };
  }

  /** What is no whole address: there are addresses below it, or it is nothing. */
  #inLocalZone(question: Question): Finding {
    if (question.depth === 0) return this.#apex(question);
    return isPartOfReverse(labelsOf(question.name))
      ? question.other('inner-name')
      : question.missing('unknown-address');
  }

  #inZone(question: Question): Finding {
    const { depth } = question;
    if (depth === 0) return this.#apex(question);
    switch (question.label(depth - 1)) {
      case 'svc':
        return this.#services.find(question);
      case 'pod':
        return this.#pod(question);
      case 'dns':
        return this.#nameServer(question);
      case 'dns-version':
        return this.#version(question);
      default:
        return question.missing('unknown-name');
    }
  }

  #apex(question: Question): Finding {
    const { type, zone } = question;
    if (type === TYPE.SOA) return { kind: 'soa', type, zone, rule: 'start-of-authority' };
    if (type !== TYPE.NS) return question.other('no-such-type');
    const clusterDns = this.#data.service(CLUSTER_DNS_KEY);
    const hasService = clusterDns !== undefined && clusterDns.addresses.length > 0;
    const addresses = hasService ? clusterDns.addresses : this.#nameServers;
    const builder = new AnswerBuilder(this.#settings.ttlS);
    if (addresses.length > 0) {
      const target = below(zone.primary ?? zone.name, ...(hasService ? CLUSTER_DNS : NAME_SERVER));
      builder.pointer(TYPE.NS, target);
      for (const address of addresses) builder.namedGlue(target, address);
    }
    return question.answer(builder, 'name-servers');
  }

  #version(question: Question): Finding {
    if (question.depth > 1) return question.missing('unknown-name');
    if (question.type !== TYPE.TXT) return question.other('no-such-type');
    return question.answer(new AnswerBuilder(SCHEMA_TTL_S).strings(TYPE.TXT, SCHEMA_VERSION), 'schema-version');
  }

  #nameServer(question: Question): Finding {
    const { depth, type } = question;
    if (depth === 1) return question.other('inner-name');
    if (depth > 2 || question.label(0) !== 'ns') return question.missing('unknown-name');
    const width = type === TYPE.A ? 4 : type === TYPE.AAAA ? 16 : 0;
    const builder = new AnswerBuilder(this.#settings.ttlS);
    for (const address of this.#nameServers) if (address.length === width) builder.address(address);
    return question.answer(builder, 'name-server');
  }

  #pod(question: Question): Finding {
    const { depth, type } = question;
    if (depth === 1) return question.other('inner-name');
    if (this.#settings.pods === 'disabled') return question.missing('pods-disabled');
    const namespace = question.labels(depth - 2, depth - 1);
    if (!this.#data.hasNamespace(namespace)) return question.missing('unknown-namespace');
    if (depth === 2) return question.other('inner-name');
    const address = depth === 3 ? parseDashed(question.label(0)) : undefined;
    const exists =
      address !== undefined && (this.#settings.pods === 'insecure' || this.#data.hasPod(namespace, address));
    if (!exists) return question.missing('no-such-pod');
    const wanted = address.length === 4 ? TYPE.A : TYPE.AAAA;
    const builder = new AnswerBuilder(this.#settings.ttlS);
    return question.answer(type === wanted ? builder.address(address) : builder, 'pod-address');
  }

  /** @returns `undefined` for addresses that are somebody else's. */
  #reverse(question: Question, address: Octets): Finding | undefined {
    const cluster = this.#data.clusterAddresses.get(address).filter((record) => record.addresses.includes(address));
    const owner = cluster.toSorted(byName)[0];
    if (owner !== undefined) {
      return this.#pointers(question, [this.#nameOf(owner)], { ttlS: this.#settings.ttlS, source: owner.name });
    }
    const slices = this.#data.endpointAddresses.get(address).filter(({ owner: record }) => isServed(record));
    const names = slices.flatMap(({ owner: record, slice }) =>
      endpointsOf(slice)
        .filter((endpoint) => endpoint.address === address)
        .map(({ host }) => below(this.#nameOf(record), host)),
    );
    if (names.length > 0) {
      const source = [...new Set(slices.map(({ owner: record }) => record.name))].sort().join(', ');
      return this.#pointers(question, [...new Set(names)].sort(), { ttlS: this.#settings.headlessTtlS, source });
    }
    return this.#isLocal(address) ? question.missing('unknown-address') : undefined;
  }

  #pointers(question: Question, names: readonly NameKey[], facts: { ttlS: number; source: string }): Finding {
    const builder = new AnswerBuilder(facts.ttlS);
    if (question.type === TYPE.PTR) for (const name of names) builder.pointer(TYPE.PTR, name);
    const isCluster = names.length === 1 && labelsOf(names[0] ?? '').length === labelsOf(this.#primary).length + 3;
    return question.answer(builder, isCluster ? 'cluster-pointer' : 'endpoint-pointer', facts.source);
  }

  #nameOf(record: ServiceRecord): NameKey {
    const [namespace = '', service = ''] = record.name.split('/');
    return below(this.#primary, service, namespace, 'svc');
  }

  #isLocal(address: Octets): boolean {
    const parsed = parseIpAddress(addressText(address));
    return parsed !== undefined && this.#settings.localNetworks.some((network) => cidrContains(network, parsed));
  }
}

function localZonesIn(parent: Zone, { localNetworks }: ZoneSettings): readonly Zone[] {
  const names = localNetworks.flatMap(reverseZones).filter((name) => isUnder(name, parent.name));
  return names.map((name) => ({ ...parent, name, labels: labelsOf(name).length }));
}

/** Does the name of the Service have anything below it now? */
function isServed({ service, addresses }: ServiceRecord): boolean {
  return service?.kind === 'headless' || addresses.length > 0;
}

function byName(a: ServiceRecord, b: ServiceRecord): number {
  return a.name < b.name ? -1 : 1;
}
