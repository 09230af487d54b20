import type { UntypedObject } from '../../lab/api/api-upstream.ts';

/** Two addresses that answer with their own name, when asked on {@link TARGET_PORT}. */
export const ENDPOINTS = ['10.200.0.1', '10.200.0.2'] as const;

export const TARGET_PORT = 8080;

export const SERVICE_PORT = 80;

export const NODE_NAME = 'node-1';

/** Everything out of it is a pod; endpoints of the probes are not, nor is the client. */
export const CLUSTER_CIDR = '10.128.0.0/10';

/** Of the node, towards everything else. */
export const NODE_ADDRESS = '172.18.0.2';

const NAMESPACE = 'bench';

/** What has to be there before anything else. `load` is where the synthetic cluster lives. */
export const BASE_OBJECTS: readonly UntypedObject[] = [
  ...[NAMESPACE, 'load'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  // As every cluster has since 1.33: addresses out of it that no Service has are known to be nobody's.
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.0/12'] },
  },
  {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: NODE_NAME },
    spec: { podCIDR: '10.128.1.0/24', podCIDRs: ['10.128.1.0/24'] },
    status: { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] },
  },
];

/** A Service that is asked, beyond those of the synthetic cluster. */
export interface Probe {
  readonly address: string;
  readonly service: UntypedObject;
  /** Its slice, with this one endpoint. */
  readonly slice: (endpoint: string) => UntypedObject;
}

export function probeNumbered(number: number): Probe {
  const address = `10.111.0.${number}`;
  const name = `probe-${number}`;
  const labels = { 'kubernetes.io/service-name': name };
  return {
    address,
    service: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: NAMESPACE, name },
      spec: {
        type: 'ClusterIP',
        clusterIP: address,
        clusterIPs: [address],
        ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT, targetPort: TARGET_PORT }],
      },
    },
    slice: (endpoint) => ({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace: NAMESPACE, name: `${name}-x`, labels },
      addressType: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port: TARGET_PORT }],
      endpoints: [{ addresses: [endpoint], conditions: { ready: true, serving: true, terminating: false } }],
    }),
  };
}
