import type { IpAddress, IpFamily } from './address.ts';
import { familyOf, parseIpAddress } from './address.ts';
import { ADDRESS_TYPES, SERVICE_NAME_LABEL } from './decode-endpoint-slice.ts';
import type { Octets } from './dns-octets.ts';
import { addressOctets } from './dns-octets.ts';
import type { DnsPort } from './dns-service.ts';
import { readDnsPorts } from './dns-service.ts';
import type { Decoded, Field } from './fields.ts';
import { decodeObject } from './fields.ts';
import { isDnsLabel, isDnsSubdomain, labelOf, readNamespacedName } from './object.ts';
import type { ObjectName } from './service.ts';

/** As much of an EndpointSlice as cluster DNS needs, packed: a node keeps those of the whole cluster. */
export interface DnsSlice {
  readonly service: ObjectName;
  readonly family: IpFamily;
  /** The addresses of the ready endpoints, 4 or 16 octets each, one after the other. */
  readonly addresses: Octets;
  /** The name of each, in the same order, empty where it has none; absent when none has. */
  readonly hosts?: readonly string[];
  /** The topology zone of each, likewise. */
  readonly zones?: readonly string[];
  readonly ports: readonly DnsPort[];
}

export interface DnsSliceOptions {
  /** Endpoints without a hostname are called as their pods are (`endpoint_pod_names` of CoreDNS). */
  readonly podNames?: boolean;
  /** Topology zones are wanted (`zonal` of CoreDNS). */
  readonly zonal?: boolean;
}

/** Longer pod names are no labels. */
const MAX_LABEL = 63;

/**
 * EndpointSlice discovery.k8s.io/v1, untyped. Ready is `conditions.ready`, nothing else: the slice controller has put
 * publishNotReadyAddresses into it, and the dataplane's fallback to terminating endpoints is not for DNS. No value for slices
 * of host names and for those of no Service.
 */
export function decodeDnsSlice(json: unknown, origin?: string, options: DnsSliceOptions = {}): Decoded<DnsSlice> {
  return decodeObject(
    json,
    () => labelOf(json, 'EndpointSlice', origin),
    (root) => {
      const { namespace } = readNamespacedName(root, isDnsSubdomain);
      const family = root.get('addressType').required((field) => field.oneOf(ADDRESS_TYPES));
      const owner = root.at('metadata', 'labels').get(SERVICE_NAME_LABEL);
      const service = owner.string();
      if (family === 'FQDN' || service === undefined) return undefined;
      if (!isDnsLabel(service)) owner.fail('is not a valid Service name');
      const ready = root
        .get('endpoints')
        .items()
        .flatMap((item) => item.attempt((field) => readReady(field, family, options)) ?? []);
      const hosts = ready.map(({ host }) => host);
      const zones = ready.map(({ zone }) => zone);
      return {
        service: `${namespace}/${service}`,
        family,
        addresses: ready.map(({ address }) => addressOctets(address)).join(''),
        ...(hosts.some((host) => host !== '') ? { hosts } : {}),
        ...(zones.some((zone) => zone !== '') ? { zones } : {}),
        ports: readDnsPorts(root.get('ports')),
      };
    },
  );
}

interface ReadyAddress {
  readonly address: IpAddress;
  readonly host: string;
  readonly zone: string;
}

function readReady(item: Field, family: IpFamily, options: DnsSliceOptions): readonly ReadyAddress[] {
  if (item.at('conditions', 'ready').boolean() === false) return [];
  const host = readHost(item, options);
  const zone = options.zonal === true ? (item.get('zone').string() ?? '').toLowerCase() : '';
  return item
    .get('addresses')
    .items()
    .map((field) => {
      const address = field.required((found) => found.parsed(parseIpAddress, 'an IP address'));
      return familyOf(address) === family ? { address, host, zone } : field.fail(`is not an ${family} address`);
    });
}

/** Empty when the endpoint goes by its address. */
function readHost(item: Field, { podNames = false }: DnsSliceOptions): string {
  const field = item.get('hostname');
  const host = field.string()?.toLowerCase() ?? '';
  if (host !== '') return isDnsLabel(host) ? host : field.fail('is not a valid host name');
  const pod = podNames ? (item.at('targetRef', 'name').string() ?? '') : '';
  return pod.length <= MAX_LABEL && isDnsLabel(pod) ? pod : '';
}
