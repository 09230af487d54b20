import { PersistentMap } from '../../src/base/persistent-map.ts';
import type { CompileInputs } from '../../src/compiler/compile.ts';
import type { CompileSettings } from '../../src/compiler/plan.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { familyOf, socketAddress } from '../../src/model/address.ts';
import type { NodeInfo } from '../../src/model/node.ts';
import type { ServicePort } from '../../src/model/service.ts';
import { servicePortKey } from '../../src/model/service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { cidr, ip } from './plans.ts';

/** The node that everything is compiled for, `node-1` in zone `a` with the pods 10.244.1.0/24 and fd00:244:1::/64. */
export const NODE: NodeInfo = {
  name: 'node-1',
  addresses: [ip('192.168.0.1'), ip('2001:db8::1')],
  interfaceAddresses: [ip('127.0.0.1'), ip('192.168.0.1'), ip('192.168.7.1'), ip('::1'), ip('2001:db8::1')],
  zone: 'a',
  podCidrs: [cidr('10.244.1.0/24'), cidr('fd00:244:1::/64')],
};

/** The defaults of the configuration, with pods recognised by the node's networks. */
export const SETTINGS: CompileSettings = {
  masqueradeAll: false,
  detectLocal: { mode: 'NodeCIDR' },
  nodePortAddresses: [],
  externalIps: true,
  localhostNodePorts: true,
};

/** Port `http`, 80/tcp, of Service `default/web` on 10.96.0.1. */
export function servicePort(parts: Partial<Omit<ServicePort, 'key'>> = {}): ServicePort {
  const port = {
    service: 'default/web',
    portName: 'http',
    protocol: 'tcp' as const,
    port: 80,
    clusterIps: [ip('10.96.0.1')],
    externalIps: [],
    loadBalancerIps: [],
    sourceRanges: [],
    internalTrafficPolicy: 'Cluster' as const,
    externalTrafficPolicy: 'Cluster' as const,
    createdAtMs: 0,
    ...parts,
  };
  return { key: servicePortKey(port.service, port.portName, port.protocol), ...port };
}

/** A ready endpoint, port 8080, on another node. */
export function endpoint(address: string, parts: Partial<Omit<Endpoint, 'address'>> = {}): Endpoint {
  return {
    address: ip(address),
    port: 8080,
    nodeName: 'node-2',
    ready: true,
    serving: true,
    terminating: false,
    zoneHints: [],
    nodeHints: [],
    ...parts,
  };
}

/** Lists are sorted as a snapshot has them. */
export type Member = readonly [ServicePort, readonly Endpoint[]];

export function snapshotOf(members: readonly Member[], serviceCidrs: Snapshot['serviceCidrs'] = []): Snapshot {
  return {
    revision: 1,
    servicePorts: PersistentMap.of(members.map(([port]) => [port.key, port])),
    endpoints: PersistentMap.of(members.map(([port, endpoints]) => [port.key, sortEndpoints(endpoints)])),
    serviceCidrs,
  };
}

export function sortEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const text = ({ address, port }: Endpoint): string => socketAddress(address, port);
  return endpoints.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
}

/** One service port alone in a cluster; the family is that of its first ClusterIP. */
export function inputsOf(
  member: Member,
  parts: { readonly node?: NodeInfo; readonly settings?: Partial<CompileSettings> } = {},
): CompileInputs {
  const [clusterIp] = member[0].clusterIps;
  return {
    snapshot: snapshotOf([member]),
    node: parts.node ?? NODE,
    settings: { ...SETTINGS, ...parts.settings },
    family: clusterIp === undefined ? 'IPv4' : familyOf(clusterIp),
  };
}
