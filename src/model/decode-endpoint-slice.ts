import { compact } from '../base/compact.ts';
import type { IpAddress, IpFamily } from './address.ts';
import { familyOf, IP_FAMILIES, isUnusableAsEndpoint, parseIpAddress } from './address.ts';
import { PORT_NUMBER, readPortName, readProtocol } from './decode-service.ts';
import type { Endpoint } from './endpoint.ts';
import type { Decoded, Field } from './fields.ts';
import { decodeObject } from './fields.ts';
import { sortEndpoints } from './merge-endpoints.ts';
import { isDnsLabel, isDnsSubdomain, labelOf, readNamespacedName } from './object.ts';
import type { ObjectName, Protocol } from './service.ts';

/** An EndpointSlice of a Service with a ClusterIP, as the endpoint controller writes it. */
export interface EndpointSlice {
  /** `namespace/name` of the slice itself. */
  readonly name: ObjectName;
  readonly service: ObjectName;
  /** One for each name and protocol. */
  readonly ports: readonly SlicePort[];
}

/** Belongs to the service port of the same name and protocol. */
export interface SlicePort {
  readonly name: string;
  readonly protocol: Protocol;
  /** Sorted and without duplicates, see {@link sortEndpoints}. */
  readonly endpoints: readonly Endpoint[];
}

/** A port as the object has it: the number is the endpoints', not the Service's. */
interface NumberedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export const ADDRESS_TYPES = [...IP_FAMILIES, 'FQDN'] as const;

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/**
 * EndpointSlice discovery.k8s.io/v1, untyped. Slices of headless Services and of host names give no value and no problem.
 * Absent conditions mean ready, serving and not terminating.
 */
export function decodeEndpointSlice(json: unknown, origin?: string): Decoded<EndpointSlice> {
  return decodeObject(
    json,
    () => labelOf(json, 'EndpointSlice', origin),
    (root) => {
      const { namespace, name } = readNamespacedName(root, isDnsSubdomain);
      const labels = root.at('metadata', 'labels');
      const addressType = root.get('addressType').required((field) => field.oneOf(ADDRESS_TYPES));
      if (labels.get(HEADLESS_LABEL).present || addressType === 'FQDN') return undefined;
      const owner = labels.get(SERVICE_NAME_LABEL);
      const serviceName = owner.required((field) => field.string());
      if (!isDnsLabel(serviceName)) owner.fail('is not a valid Service name');
      const ports = root.get('ports').each(readPort);
      const endpoints = root.get('endpoints').each((item) => readEndpoint(item, addressType, ports[0]?.port ?? 0));
      return { name, service: `${namespace}/${serviceName}`, ports: endpointsByPort(ports, endpoints) };
    },
  );
}

/** @param endpoints with the number of the first port, which is the only one of almost every slice. */
function endpointsByPort(ports: readonly NumberedPort[], endpoints: readonly Endpoint[]): readonly SlicePort[] {
  const found: SlicePort[] = [];
  for (const { name, protocol } of ports) {
    const isAlike = (other: Pick<SlicePort, 'name' | 'protocol'>): boolean =>
      other.name === name && other.protocol === protocol;
    if (found.some(isAlike)) continue;
    const all = ports.filter(isAlike).flatMap(({ port }) => endpoints.map((endpoint) => withPort(endpoint, port)));
    found.push({ name, protocol, endpoints: sortEndpoints(all) });
  }
  return compact(found);
}

/** Spelled out, because there are very many of them and V8 makes copies with a spread twice as large. */
function withPort(from: Endpoint, port: number): Endpoint {
  if (from.port === port) return from;
  const { address, nodeName, ready, serving, terminating, zoneHints, nodeHints } = from;
  if (nodeName === undefined) return { address, port, ready, serving, terminating, zoneHints, nodeHints };
  return { address, port, nodeName, ready, serving, terminating, zoneHints, nodeHints };
}

function readPort(item: Field): NumberedPort {
  return {
    name: readPortName(item.get('name')),
    protocol: readProtocol(item.get('protocol')),
    port: item.get('port').required((field) => field.integer(PORT_NUMBER)),
  };
}

/** Only the first address counts, as for kube-proxy; the API allows more and defines no meaning for them. */
function readEndpoint(item: Field, family: IpFamily, port: number): Endpoint {
  const first = item.get('addresses').first() ?? item.get('addresses').fail('is empty');
  const conditions = item.get('conditions');
  const nodeName = item.get('nodeName').string();
  const hints = item.get('hints');
  const address = readAddress(first, family);
  const ready = conditions.get('ready').boolean() ?? true;
  const serving = conditions.get('serving').boolean() ?? true;
  const terminating = conditions.get('terminating').boolean() ?? false;
  const zoneHints = hints.present ? readHints(hints.get('forZones')) : NO_HINTS;
  const nodeHints = hints.present ? readHints(hints.get('forNodes')) : NO_HINTS;
  // Spelled out for the reason that withPort has.
  if (nodeName === undefined) return { address, port, ready, serving, terminating, zoneHints, nodeHints };
  return { address, port, nodeName, ready, serving, terminating, zoneHints, nodeHints };
}

function readAddress(field: Field, family: IpFamily): IpAddress {
  const address = field.required((found) => found.parsed(parseIpAddress, 'an IP address'));
  if (familyOf(address) !== family)
    field.fail(`is not an ${family} address, but the slice is of addressType ${family}`);
  return isUnusableAsEndpoint(address) ? field.fail('is an address that no endpoint can have') : address;
}

const NO_HINTS: readonly string[] = [];

function readHints(list: Field): readonly string[] {
  const items = list.items();
  return items.length === 0 ? NO_HINTS : items.map((item) => item.get('name').required((field) => field.string()));
}
