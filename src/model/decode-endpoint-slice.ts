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

type Portless = Omit<Endpoint, 'port'>;

export const ADDRESS_TYPES = [...IP_FAMILIES, 'FQDN'] as const;

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';
const HEADLESS_LABEL = 'service.kubernetes.io/headless';

/**
 * EndpointSlice discovery.k8s.io/v1, untyped. Slices of headless Services and of host names give no value and no problem.
 * Absent conditions mean ready, serving and not terminating.
 */
export function decodeEndpointSlice(json: unknown, origin?: string): Decoded<EndpointSlice> {
  return decodeObject(json, labelOf(json, 'EndpointSlice', origin), (root) => {
    const { namespace, name } = readNamespacedName(root, isDnsSubdomain);
    const labels = root.at('metadata', 'labels');
    const addressType = root.get('addressType').required((field) => field.oneOf(ADDRESS_TYPES));
    if (labels.get(HEADLESS_LABEL).present || addressType === 'FQDN') return undefined;
    const owner = labels.get(SERVICE_NAME_LABEL);
    const serviceName = owner.required((field) => field.string());
    if (!isDnsLabel(serviceName)) owner.fail('is not a valid Service name');
    const ports = readEach(root.get('ports'), readPort);
    const endpoints = readEach(root.get('endpoints'), (item) => readEndpoint(item, addressType));
    return { name, service: `${namespace}/${serviceName}`, ports: endpointsByPort(ports, endpoints) };
  });
}

function readEach<T>(list: Field, read: (item: Field) => T | undefined): readonly T[] {
  const found = list.items().map((item) => item.attempt(read));
  return found.filter((item) => item !== undefined);
}

function endpointsByPort(ports: readonly NumberedPort[], endpoints: readonly Portless[]): readonly SlicePort[] {
  const grouped = Map.groupBy(ports, ({ name, protocol }) => `${name}/${protocol}`);
  const slicePorts = [...grouped.values()].flatMap((alike) => {
    const all = alike.flatMap(({ port }) => endpoints.map((endpoint) => withPort(endpoint, port)));
    return alike.slice(0, 1).map(({ name, protocol }) => ({ name, protocol, endpoints: sortEndpoints(all) }));
  });
  return compact(slicePorts);
}

/** Spelled out, because there are very many of them and V8 makes copies with a spread twice as large. */
function withPort(from: Portless, port: number): Endpoint {
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
function readEndpoint(item: Field, family: IpFamily): Portless {
  const first = item.get('addresses').items()[0] ?? item.get('addresses').fail('is empty');
  const conditions = item.get('conditions');
  const nodeName = item.get('nodeName').string();
  const hints = item.get('hints');
  return {
    address: readAddress(first, family),
    ...(nodeName === undefined ? {} : { nodeName }),
    ready: conditions.get('ready').boolean() ?? true,
    serving: conditions.get('serving').boolean() ?? true,
    terminating: conditions.get('terminating').boolean() ?? false,
    zoneHints: readHints(hints.get('forZones')),
    nodeHints: readHints(hints.get('forNodes')),
  };
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
