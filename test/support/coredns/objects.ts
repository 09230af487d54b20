/** What names can be made of that the cluster of the unit tests has not. */
export const CORNERS = `
apiVersion: v1
kind: Service
metadata: { name: dual, namespace: corners }
spec:
  type: LoadBalancer
  clusterIP: 10.96.1.1
  clusterIPs: [10.96.1.1, "fd00:10:96::1:1"]
  ports:
    - { name: http, port: 80, protocol: TCP }
    - { name: http-alt, port: 8080, protocol: TCP }
    - { name: sip, port: 5060, protocol: UDP }
    - { name: m3ua, port: 2905, protocol: SCTP }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: dual-4, namespace: corners, labels: { kubernetes.io/service-name: dual } }
addressType: IPv4
ports: [{ name: http, port: 8080, protocol: TCP }, { name: sip, port: 5060, protocol: UDP }]
endpoints:
  - { addresses: [10.244.9.1], conditions: { ready: true }, targetRef: { kind: Pod, name: dual-abcde, namespace: corners } }
  - { addresses: [10.244.9.2], conditions: { ready: false, serving: true, terminating: true } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: dual-6, namespace: corners, labels: { kubernetes.io/service-name: dual } }
addressType: IPv6
ports: [{ name: http, port: 8080, protocol: TCP }, { name: sip, port: 5060, protocol: UDP }]
endpoints: [{ addresses: ["fd00:244:9::1"], targetRef: { kind: Pod, name: dual-abcde, namespace: corners } }]
---
apiVersion: v1
kind: Service
metadata: { name: node-port, namespace: corners }
spec: { type: NodePort, clusterIP: 10.96.1.2, clusterIPs: [10.96.1.2], ports: [{ port: 443, nodePort: 30443, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: six, namespace: corners }
spec: { type: ClusterIP, clusterIP: "fd00:10:96::1:2", clusterIPs: ["fd00:10:96::1:2"], ports: [{ name: web, port: 80, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: not-ready, namespace: corners }
spec: { type: ClusterIP, clusterIP: None, clusterIPs: [None], publishNotReadyAddresses: true, ports: [{ name: raft, port: 1, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: not-ready-1, namespace: corners, labels: { kubernetes.io/service-name: not-ready, service.kubernetes.io/headless: "" } }
addressType: IPv4
ports: [{ name: raft, port: 7000, protocol: TCP }]
endpoints:
  - { addresses: [10.244.9.3], hostname: raft-0, conditions: { ready: true, serving: false, terminating: true }, targetRef: { kind: Pod, name: raft-0, namespace: corners } }
  - { addresses: [10.244.9.4], hostname: raft-1, conditions: { ready: false, serving: false } }
---
apiVersion: v1
kind: Service
metadata: { name: headless, namespace: corners }
spec: { type: ClusterIP, clusterIP: None, clusterIPs: [None], ports: [{ name: a, port: 1, protocol: TCP }, { name: b, port: 2, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: headless-1, namespace: corners, labels: { kubernetes.io/service-name: headless } }
addressType: IPv4
ports: [{ name: a, port: 7001, protocol: TCP }, { name: b, port: 7002, protocol: UDP }]
endpoints:
  - { addresses: [10.244.9.5], hostname: twin, targetRef: { kind: Pod, name: headless-0, namespace: corners } }
  - { addresses: [10.244.9.6], hostname: twin }
  - { addresses: [10.244.9.7], targetRef: { kind: Pod, name: headless-1, namespace: corners } }
  - { addresses: [10.244.9.1], targetRef: { kind: Pod, name: dual-abcde, namespace: corners } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: headless-2, namespace: corners, labels: { kubernetes.io/service-name: headless } }
addressType: IPv4
ports: [{ name: a, port: 7001, protocol: TCP }, { name: b, port: 7002, protocol: UDP }]
endpoints: [{ addresses: [10.244.9.7], targetRef: { kind: Pod, name: headless-1, namespace: corners } }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: headless-3, namespace: corners, labels: { kubernetes.io/service-name: headless } }
addressType: IPv4
ports: [{ port: 7003, protocol: TCP }]
endpoints: [{ addresses: [10.244.9.8], hostname: nameless-port }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: headless-6, namespace: corners, labels: { kubernetes.io/service-name: headless } }
addressType: IPv6
ports: [{ name: a, port: 7001, protocol: TCP }, { name: b, port: 7002, protocol: UDP }]
endpoints: [{ addresses: ["2001:db8::"] }, { addresses: ["2001:db8:0:0:0:0:0:9"] }, { addresses: ["fd00:244:9::5"], hostname: twin }]
---
apiVersion: v1
kind: Service
metadata: { name: svc, namespace: pod }
spec: { type: ClusterIP, clusterIP: 10.96.1.3, clusterIPs: [10.96.1.3], ports: [{ name: svc, port: 1, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: pod, namespace: svc }
spec: { type: ClusterIP, clusterIP: 10.96.1.4, clusterIPs: [10.96.1.4], ports: [{ name: pod, port: 1, protocol: UDP }] }
---
apiVersion: v1
kind: Service
metadata: { name: com, namespace: corners }
spec: { type: ExternalName, externalName: www.example.org }
---
apiVersion: v1
kind: Service
metadata: { name: to-many, namespace: corners }
spec: { type: ExternalName, externalName: many.example.org }
---
apiVersion: v1
kind: Service
metadata: { name: to-alias, namespace: corners }
spec: { type: ExternalName, externalName: alias.example.org. }
---
apiVersion: v1
kind: Service
metadata: { name: to-nothing, namespace: corners }
spec: { type: ExternalName, externalName: missing.example.org }
---
apiVersion: v1
kind: Service
metadata: { name: to-empty, namespace: corners }
spec: { type: ExternalName, externalName: empty.example.org }
---
apiVersion: v1
kind: Service
metadata: { name: to-failure, namespace: corners }
spec: { type: ExternalName, externalName: failure.example.org }
---
apiVersion: v1
kind: Service
metadata: { name: to-dual, namespace: corners }
spec: { type: ExternalName, externalName: DUAL.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: to-to-dual, namespace: corners }
spec: { type: ExternalName, externalName: to-dual.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: to-com, namespace: corners }
spec: { type: ExternalName, externalName: com.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: to-missing, namespace: corners }
spec: { type: ExternalName, externalName: none.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: to-itself, namespace: corners }
spec: { type: ExternalName, externalName: to-itself.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: ping, namespace: corners }
spec: { type: ExternalName, externalName: pong.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: pong, namespace: corners }
spec: { type: ExternalName, externalName: ping.corners.svc.cluster.local }
---
apiVersion: v1
kind: Service
metadata: { name: literal-6, namespace: corners }
spec: { type: ExternalName, externalName: "2001:db8::1" }
---
apiVersion: v1
kind: Service
metadata: { name: once-external, namespace: corners }
spec: { type: ClusterIP, clusterIP: 10.96.1.5, clusterIPs: [10.96.1.5], externalName: www.example.org, ports: [{ name: web, port: 80, protocol: TCP }] }
---
apiVersion: v1
kind: Service
metadata: { name: kube-dns, namespace: kube-system }
spec: { type: ClusterIP, clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], ports: [{ name: dns, port: 53, protocol: UDP }] }
---
apiVersion: v1
kind: Pod
metadata: { name: dual-abcde, namespace: corners }
status: { phase: Running, podIP: 10.244.9.1, podIPs: [{ ip: 10.244.9.1 }, { ip: "fd00:244:9::1" }] }
---
apiVersion: v1
kind: Pod
metadata: { name: lonely, namespace: empty }
status: { phase: Running, podIP: 10.244.9.20, podIPs: [{ ip: 10.244.9.20 }] }
`;

const LONG = 'l'.repeat(63);

/** So many endpoints and ports that replies have to be cut, and names as long as names can be. */
export const LARGE = [
  ...[20, 28, 29, 30, 60, 90, 300].flatMap((endpoints) => [
    headless(`n-${endpoints}`, 'large', ['web']),
    slice(`n-${endpoints}`, 'large', {
      ports: [{ name: 'web', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: endpoints }, (_, i) => ({
        addresses: [`10.${240 + (endpoints % 10)}.${i >> 7}.${1 + (i & 0x7f)}`],
        ...(i % 2 === 0 ? {} : { hostname: `host-${i}` }),
      })),
    }),
  ]),
  headless(LONG, LONG, [LONG.slice(0, 15)]),
  slice(LONG, LONG, {
    ports: [{ name: LONG.slice(0, 15), port: 1, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.250.0.1'], hostname: LONG.slice(0, 40) }, { addresses: ['10.250.0.2'] }],
  }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'ports', namespace: 'large' },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.2.1',
      clusterIPs: ['10.96.2.1'],
      ports: Array.from({ length: 120 }, (_, i) => ({ name: `p-${i}`, port: 1000 + i, protocol: 'TCP' })),
    },
  },
];

function headless(name: string, namespace: string, ports: readonly string[]) {
  const spec = { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] };
  const named = ports.map((port) => ({ name: port, port: 1, protocol: 'TCP' }));
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ...spec, ports: named } };
}

function slice(service: string, namespace: string, fields: object) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${service}-1`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ...fields,
  };
}
