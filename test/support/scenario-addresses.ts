import type { PodDetector } from '../../src/compiler/plan.ts';
import type { Cidr, IpAddress, IpFamily } from '../../src/model/address.ts';
import { cidrContains, familyOf, isLoopback, parseIpAddress, socketAddress } from '../../src/model/address.ts';
import type { Origin } from '../../src/compiler/plan.ts';
import type { Row } from './scenario-rows.ts';
import { TOPOLOGY } from './scenario-settings.ts';

/** The parts of a Service object that rows name addresses by. */
interface ServiceJson {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

const ADDRESSES_OF: Readonly<Record<string, (service: ServiceJson) => readonly (string | undefined)[]>> = {
  'cluster-ip': ({ spec }) => spec?.clusterIPs ?? [spec?.clusterIP],
  'external-ip': ({ spec }) => spec?.externalIPs ?? [],
  'load-balancer': ({ status }) => status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? [],
};

const PLACES: Readonly<Record<string, Readonly<Record<IpFamily, string>>>> = {
  node: TOPOLOGY.node.addresses,
  'node-bridge': TOPOLOGY.node.bridgeAddresses,
  'node-peer': TOPOLOGY.node.peerAddresses,
  localhost: { IPv4: '127.0.0.1', IPv6: '::1' },
  remote: TOPOLOGY.remoteNode.addresses,
  outside: TOPOLOGY.outside.addresses,
  ...Object.fromEntries(TOPOLOGY.pods.map(({ name, addresses }) => [name, addresses])),
};

/**
 * The address that a row sends to: a literal one, a place of the lab (`node`, `node-bridge`, `node-peer`, `localhost`,
 * pods), or a Service's first of a kind, `[SERVICE.]cluster-ip`, `external-ip` or `load-balancer`.
 *
 * @returns `undefined` for a literal address of the other family.
 * @throws {Error} for unknown names, and Services without such an address.
 */
export function destinationAddress(row: Row, family: IpFamily, services: readonly unknown[]): IpAddress | undefined {
  const literal = parseIpAddress(row.to);
  if (literal !== undefined) return familyOf(literal) === family ? literal : undefined;
  const known = PLACES[row.to]?.[family];
  if (known !== undefined) return address(known);
  const dot = row.to.lastIndexOf('.');
  const kind = row.to.slice(dot + 1);
  const named = (services as readonly ServiceJson[]).filter(
    ({ metadata }) => dot < 0 || metadata.name === row.to.slice(0, dot),
  );
  const found = named
    .flatMap((service) => ADDRESSES_OF[kind]?.(service) ?? [])
    .map((text) => parseIpAddress(text ?? ''))
    .find((candidate) => candidate !== undefined && familyOf(candidate) === family);
  if (found === undefined || (dot < 0 && services.length !== 1)) {
    throw new Error(`there is no single ${row.to} of family ${family}: ${row.text}`);
  }
  return found;
}

function address(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

/** Every address of the node. */
export function nodeAddresses(more: readonly IpAddress[]): ReadonlySet<IpAddress> {
  const { addresses, bridgeAddresses, peerAddresses } = TOPOLOGY.node;
  const own = [addresses, bridgeAddresses, peerAddresses].flatMap((pair) => Object.values(pair));
  return new Set([...[...own, '127.0.0.1', '::1'].map(address), ...more]);
}

/** A packet as it arrives at the node's rules. */
export interface Packet {
  readonly family: IpFamily;
  readonly source: IpAddress;
  /** Where it came in; empty for the node's own. */
  readonly interfaceName: string;
  readonly destination: IpAddress;
  readonly protocol: Row['protocol'];
  readonly port: number;
  /** Every address of the node, in both families. */
  readonly nodeAddresses: ReadonlySet<IpAddress>;
}

/** The packet of a row; `more` are addresses that the node has in this scenario only. */
export function packetOf(row: Row, destination: IpAddress, more: readonly IpAddress[]): Packet {
  const family = familyOf(destination);
  const own = nodeAddresses(more);
  const source = row.from === 'node' ? nodeSource(destination, own) : address(place(row.from, family));
  const { protocol, port } = row;
  return { family, source, interfaceName: interfaceOf(row.from), destination, protocol, port, nodeAddresses: own };
}

function place(name: string, family: IpFamily): string {
  const found = PLACES[name]?.[family];
  if (found === undefined) throw new Error(`there is no ${name} in the lab`);
  return found;
}

/** The source that Linux chooses: the destination itself if it is an own address, else by route. */
function nodeSource(destination: IpAddress, own: ReadonlySet<IpAddress>): IpAddress {
  if (own.has(destination) || isLoopback(destination)) return destination;
  return nodeAddressTowards(destination);
}

/** What a server at this address sees of a masqueraded client. */
export function nodeAddressTowards(server: IpAddress): IpAddress {
  const family = familyOf(server);
  const { node, remoteNode } = TOPOLOGY;
  const within = (cidr: string): boolean => cidrContains(cidr as Cidr, server);
  if (within(node.podCidrs[family])) return address(node.bridgeAddresses[family]);
  const remote = within(remoteNode.podCidrs[family]) || server === remoteNode.addresses[family];
  return address(remote ? node.peerAddresses[family] : node.addresses[family]);
}

function interfaceOf(from: string): string {
  const { bridge, uplink, peerLink, name } = TOPOLOGY.node;
  if (from === 'node') return '';
  if (from === 'outside') return uplink;
  return TOPOLOGY.pods.find((pod) => pod.name === from)?.nodeName === name ? bridge : peerLink;
}

/** Who sent the packet, by the definition of {@link Origin}. */
export function originOf(packet: Packet, detector: PodDetector | undefined): Origin {
  if (isPod(packet, detector)) return 'pod';
  return packet.nodeAddresses.has(packet.source) ? 'node' : 'outside';
}

function isPod({ source, interfaceName }: Packet, detector: PodDetector | undefined): boolean {
  switch (detector?.kind) {
    case undefined:
      return false;
    case 'cidr':
      return cidrContains(detector.cidr, source);
    case 'bridge':
      return interfaceName === detector.interfaceName;
    case 'interface-prefix':
      return interfaceName.startsWith(detector.prefix);
  }
}

/** Every server of every scenario listens on this port, unless a row's result says otherwise: `pod-b:8443`. */
const USUAL_PORT = 8080;

/** How results call the server at an address: `pod-b`, `pod-b:8443`, `node`. */
export function serverName(server: IpAddress, port: number): string {
  const family = familyOf(server);
  const pod = TOPOLOGY.pods.find(({ addresses }) => addresses[family] === server)?.name;
  const name = pod ?? Object.keys(PLACES).find((candidate) => PLACES[candidate]?.[family] === server);
  if (name === undefined) return socketAddress(server, port);
  return port === USUAL_PORT ? name : `${name}:${port}`;
}

/** Where the server of that name listens. */
export function serverAddress(
  server: string,
  family: IpFamily,
): { readonly address: IpAddress; readonly port: number } {
  const [name = '', port] = server.split(':');
  return { address: address(place(name, family)), port: port === undefined ? USUAL_PORT : Number(port) };
}
