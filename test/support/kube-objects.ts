import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';

/** Service default/svc-<index>, valid for a real API server; the variant changes its port. */
export function kubeService(index: number, variant = 0, labels: Readonly<Record<string, string>> = {}): UntypedObject {
  const clusterIP = `10.96.${1 + (index >> 8)}.${index & 255}`;
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { namespace: 'default', name: `svc-${index}`, labels },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ports: [{ name: 'http', protocol: 'TCP', port: 80 + variant, targetPort: 8080 }],
    },
  };
}

/** EndpointSlice default/svc-<index>-x of that Service; the variant changes its one address. */
export function kubeSlice(
  index: number,
  variant = 0,
  annotations: Readonly<Record<string, string>> = {},
): UntypedObject {
  const labels = { 'kubernetes.io/service-name': `svc-${index}` };
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { namespace: 'default', name: `svc-${index}-x`, labels, annotations } as UntypedObject['metadata'],
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: [{ addresses: [`10.244.${index & 255}.${1 + (variant % 250)}`], conditions: { ready: true } }],
  };
}

/** Node node-1, in a zone. */
export function kubeNode(zone: string, name = 'node-1'): UntypedObject {
  return {
    kind: 'Node',
    apiVersion: 'v1',
    metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
    spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
  };
}
