import { planTopology } from '../../src/lab/topology.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { Transport } from '../../src/lab/protocol.ts';

/** The network that whole-program tests play in. */
export const TOPOLOGY = planTopology();

/** Where every endpoint listens, over TCP and UDP. */
export const SERVER_PORT = 8080;

/** Where every Service listens on its ClusterIPs. */
export const SERVICE_PORT = 80;

/** A dual-stack Service in namespace `demo`, with a NodePort for each of its protocols. */
export interface ProgramService {
  readonly name: string;
  /** Makes its addresses and its NodePort; 1 to 99. */
  readonly id: number;
  /** Names of the lab's pods behind it. */
  readonly pods: readonly string[];
  /** Default: TCP and UDP. */
  readonly protocols?: readonly Transport[];
  /** More fields of the Service's `spec`. */
  readonly spec?: object;
  readonly status?: object;
}

export function clusterIp({ id }: Pick<ProgramService, 'id'>, family: IpFamily): string {
  return { IPv4: `10.96.0.${id}`, IPv6: `fd00:10:96::${id}` }[family];
}

export function loadBalancerIp({ id }: Pick<ProgramService, 'id'>, family: IpFamily): string {
  return { IPv4: `192.0.2.${id}`, IPv6: `2001:db8:2::${id}` }[family];
}

export function nodePort({ id }: Pick<ProgramService, 'id'>): number {
  return 30_000 + id;
}

/** The Node object of the lab's node. */
export const NODE_OBJECT = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: TOPOLOGY.node.name },
  spec: { podCIDRs: Object.values(TOPOLOGY.node.podCidrs) },
  status: { addresses: Object.values(TOPOLOGY.node.addresses).map((address) => ({ type: 'InternalIP', address })) },
};

/** The Service and its two EndpointSlices as an API server would have them. */
export function objectsOf(service: ProgramService): readonly [object, object, object] {
  const { name, protocols = ['tcp', 'udp'], spec = {}, status = {} } = service;
  const clusterIps = IP_FAMILIES.map((family) => clusterIp(service, family));
  const ports = protocols.map((protocol) => ({
    name: protocol,
    protocol: protocol.toUpperCase(),
    port: SERVICE_PORT,
    nodePort: nodePort(service),
  }));
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'demo', name },
    spec: {
      type: 'NodePort',
      clusterIP: clusterIps[0],
      clusterIPs: clusterIps,
      ipFamilies: IP_FAMILIES,
      ports,
      ...spec,
    },
    status,
  };
  return [object, sliceOf(service, 'IPv4'), sliceOf(service, 'IPv6')];
}

function sliceOf({ name, pods, protocols = ['tcp', 'udp'] }: ProgramService, family: IpFamily): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'demo',
      name: `${name}-${family.toLowerCase()}`,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: family,
    ports: protocols.map((protocol) => ({ name: protocol, protocol: protocol.toUpperCase(), port: SERVER_PORT })),
    endpoints: TOPOLOGY.pods
      .filter((pod) => pods.includes(pod.name))
      .map(({ addresses, nodeName }) => ({ addresses: [addresses[family]], nodeName, conditions: { ready: true } })),
  };
}

/** A manifest of the node and the Services: JSON, which is YAML. */
export function manifestOf(services: readonly ProgramService[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [NODE_OBJECT, ...services.flatMap(objectsOf)] });
}
