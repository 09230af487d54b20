import { compact } from '../base/compact.ts';
import type { Cidr, IpAddress, IpFamily } from './address.ts';
import { familyOf, IP_FAMILIES, isUnusableAsEndpoint, parseCidr, parseIpAddress } from './address.ts';
import type { Decoded, Field } from './fields.ts';
import { decodeObject } from './fields.ts';
import { isDnsLabel, labelOf, readNamespacedName } from './object.ts';
import type { Protocol, ServicePort, TrafficPolicy } from './service.ts';
import { PROTOCOLS, servicePortKey } from './service.ts';

export const SERVICE_TYPES = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
const TRAFFIC_POLICIES = ['Cluster', 'Local'] as const satisfies readonly TrafficPolicy[];

/** The presence of this label, whatever its value, hands a Service to another proxy. */
export const PROXY_NAME_LABEL = 'service.kubernetes.io/service-proxy-name';

/** The API server's default and limit for `sessionAffinityConfig.clientIP.timeoutSeconds`. */
const DEFAULT_AFFINITY_TIMEOUT_S = 10_800;
const MAX_AFFINITY_TIMEOUT_S = 86_400;

export const PORT_NUMBER = { min: 1, max: 65_535, what: 'a port number' } as const;
/** 0 stands for "none" where a port is optional. */
const OPTIONAL_PORT_NUMBER = { ...PORT_NUMBER, min: 0 } as const;

/** Everything of a {@link ServicePort} that its Service's other ports have too. */
type Shared = Omit<ServicePort, 'key' | 'portName' | 'protocol' | 'port' | 'nodePort'>;

/**
 * Service v1, untyped, to what the dataplane needs of it. An empty list means that the Service is none of its business:
 * headless, ExternalName, without a ClusterIP yet, or another proxy's.
 */
export function decodeService(json: unknown, origin?: string): Decoded<readonly ServicePort[]> {
  return decodeObject(
    json,
    () => labelOf(json, 'Service', origin),
    (root) => {
      const { name } = readNamespacedName(root, isDnsLabel);
      const spec = root.get('spec');
      const type = spec.get('type').oneOf(SERVICE_TYPES) ?? 'ClusterIP';
      if (root.at('metadata', 'labels').get(PROXY_NAME_LABEL).present || type === 'ExternalName') return [];
      const clusterIps = readClusterIps(spec);
      return clusterIps.length === 0 ? [] : readPorts(spec, readShared(root, { service: name, type, clusterIps }));
    },
  );
}

interface Known {
  readonly service: string;
  readonly type: (typeof SERVICE_TYPES)[number];
  readonly clusterIps: readonly IpAddress[];
}

function readShared(root: Field, { service, type, clusterIps }: Known): Shared {
  const spec = root.get('spec');
  const externalIpTexts = spec.get('externalIPs');
  const loadBalancerIps = readLoadBalancerIps(root);
  const affinityTimeoutS = readAffinity(spec);
  // ExternallyAccessible() of Kubernetes: the type or the list decide, not whether there is an address yet.
  const reachable = type !== 'ClusterIP' || externalIpTexts.items().length > 0;
  const wanted = spec.get('externalTrafficPolicy').oneOf(TRAFFIC_POLICIES) ?? 'Cluster';
  const externalTrafficPolicy = reachable ? wanted : 'Cluster';
  const healthCheck = spec.get('healthCheckNodePort').integer(OPTIONAL_PORT_NUMBER) ?? 0;
  const needsHealthCheck = type === 'LoadBalancer' && externalTrafficPolicy === 'Local' && healthCheck > 0;
  return {
    service,
    clusterIps,
    externalIps: readList(externalIpTexts, (item) => item.parsed(parseExternalIp, 'an address for clients')),
    loadBalancerIps,
    sourceRanges: readSourceRanges(spec, { clusterIps, loadBalancerIps }),
    internalTrafficPolicy: spec.get('internalTrafficPolicy').oneOf(TRAFFIC_POLICIES) ?? 'Cluster',
    externalTrafficPolicy,
    ...(affinityTimeoutS === undefined ? {} : { affinityTimeoutS }),
    ...(needsHealthCheck ? { healthCheckNodePort: healthCheck } : {}),
    createdAtMs: root.at('metadata', 'creationTimestamp').attempt((field) => field.parsed(parseTime, 'a time')) ?? 0,
  };
}

function parseTime(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function parseExternalIp(text: string): IpAddress | undefined {
  const address = parseIpAddress(text);
  return address === undefined || isUnusableAsEndpoint(address) ? undefined : address;
}

/** What can be read of a list, in its order, without duplicates; what cannot is reported and left out. */
function readList<T>(list: Field, read: (item: Field) => T | undefined): readonly T[] {
  const found = list.each(read);
  return compact(found.length > 1 ? [...new Set(found)] : found);
}

/** One address per family at most. Empty when the Service has none: headless, or not allocated yet. */
function readClusterIps(spec: Field): readonly IpAddress[] {
  const single = spec.get('clusterIP');
  const list = spec.get('clusterIPs').items();
  const first = single.present ? single : list[0];
  const firstText = first?.string() ?? '';
  if (first === undefined || firstText === '' || firstText === 'None') return [];
  const address = readAddress(first);
  if (list[0] !== undefined && readAddress(list[0]) !== address) list[0].fail('differs from spec.clusterIP');
  const addresses = [address];
  for (const field of list.slice(1)) {
    const other = readAddress(field);
    if (addresses.some((known) => familyOf(known) === familyOf(other)))
      field.ignore('is a second address of its family');
    else addresses.push(other);
  }
  for (const [i, field] of spec.get('ipFamilies').items().entries()) {
    const family = field.oneOf(IP_FAMILIES);
    const actual = addresses[i];
    if (actual !== undefined && familyOf(actual) !== family) field.ignore(`is not the family of ${actual}`);
  }
  return addresses;
}

function readAddress(field: Field): IpAddress {
  return field.required((found) => found.parsed(parseIpAddress, 'an IP address'));
}

/** KEP-1860: addresses with `ipMode: Proxy` are served by the load balancer, and so are entries with only a host name. */
function readLoadBalancerIps(root: Field): readonly IpAddress[] {
  return readList(root.at('status', 'loadBalancer', 'ingress'), (entry) => {
    const mode = entry.get('ipMode').oneOf(['VIP', 'Proxy']) ?? 'VIP';
    const address = entry.get('ip').parsed(parseIpAddress, 'an IP address');
    return mode === 'VIP' ? address : undefined;
  });
}

function readSourceRanges(spec: Field, known: Pick<Shared, 'clusterIps' | 'loadBalancerIps'>): readonly Cidr[] {
  const field = spec.get('loadBalancerSourceRanges');
  const ranges = readList(field, (item) => item.parsed(parseCidr, 'a network'));
  if (field.items().length === 0) return ranges;
  if (ranges.length === 0) field.ignore('no network can be read, so the load balancer addresses are open to everybody');
  for (const family of ranges.length === 0 ? [] : IP_FAMILIES) {
    const served = hasFamily(known.clusterIps, family) && hasFamily(known.loadBalancerIps, family);
    if (served && !hasFamily(ranges, family)) {
      field.ignore(`no ${family} network is listed, so the ${family} load balancer addresses are open to everybody`);
    }
  }
  return ranges;
}

function hasFamily(list: readonly (IpAddress | Cidr)[], family: IpFamily): boolean {
  return list.some((item) => familyOf(item) === family);
}

function readAffinity(spec: Field): number | undefined {
  const affinity = spec.get('sessionAffinity').oneOf(['None', 'ClientIP']) ?? 'None';
  if (affinity === 'None') return undefined;
  const range = { min: 1, max: MAX_AFFINITY_TIMEOUT_S, what: 'a number of seconds' };
  const timeout = spec.at('sessionAffinityConfig', 'clientIP', 'timeoutSeconds');
  return timeout.integer(range) ?? DEFAULT_AFFINITY_TIMEOUT_S;
}

function readPorts(spec: Field, shared: Shared): readonly ServicePort[] {
  const list = spec.get('ports');
  if (list.items().length === 0) list.fail('is empty');
  const names = new Set<string>();
  const numbers = new Set<string>();
  const ports: ServicePort[] = [];
  for (const item of list.items()) {
    const port = item.get('port').required((field) => field.integer(PORT_NUMBER));
    const protocol = readProtocol(item.get('protocol'));
    const portName = readPortName(item.get('name'));
    const nodePort = item.get('nodePort').integer(OPTIONAL_PORT_NUMBER) ?? 0;
    const number = `${port}/${protocol}`;
    if (numbers.has(number)) item.ignore(`port ${number} is there twice`);
    else if (names.has(portName))
      item.get('name').ignore(portName === '' ? 'a second port without a name' : 'is there twice');
    else ports.push(withPort(shared, { portName, protocol, port }, nodePort));
    numbers.add(number);
    names.add(portName);
  }
  return compact(ports);
}

/** Spelled out, because there are very many of them and V8 makes copies with a spread twice as large. */
function withPort(
  shared: Shared,
  { portName, protocol, port }: Pick<ServicePort, 'portName' | 'protocol' | 'port'>,
  nodePort: number,
): ServicePort {
  const { service, affinityTimeoutS, healthCheckNodePort } = shared;
  const made: ServicePort = {
    key: servicePortKey(service, portName, protocol),
    portName,
    protocol,
    port,
    service,
    clusterIps: shared.clusterIps,
    externalIps: shared.externalIps,
    loadBalancerIps: shared.loadBalancerIps,
    sourceRanges: shared.sourceRanges,
    internalTrafficPolicy: shared.internalTrafficPolicy,
    externalTrafficPolicy: shared.externalTrafficPolicy,
    createdAtMs: shared.createdAtMs,
  };
  if (nodePort === 0 && affinityTimeoutS === undefined && healthCheckNodePort === undefined) return made;
  return {
    ...made,
    ...(nodePort === 0 ? {} : { nodePort }),
    ...(affinityTimeoutS === undefined ? {} : { affinityTimeoutS }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
  };
}

/** TCP unless said otherwise, as the API server defaults it. */
export function readProtocol(field: Field): Protocol {
  const upper = field.oneOf(['TCP', 'UDP', 'SCTP']) ?? 'TCP';
  return PROTOCOLS.find((protocol) => protocol === upper.toLowerCase()) ?? field.fail('is not a protocol');
}

/** Checked, because port names get into comments; absent and empty are the same. */
export function readPortName(field: Field): string {
  const name = field.string() ?? '';
  return name === '' || isDnsLabel(name) ? name : field.fail('is not a valid port name');
}
