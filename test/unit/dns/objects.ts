/** A little cluster that has one of everything that names are made of. */
export const CLUSTER = `
apiVersion: v1
kind: Namespace
metadata: { name: bare }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10, fd00::a]
  ports: [{ name: http, port: 80 }, { name: dns, port: 53, protocol: UDP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: default, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080 }]
endpoints:
  - { addresses: [10.244.0.5], conditions: { ready: true } }
  - { addresses: [10.244.0.6], conditions: { ready: false, serving: true } }
---
apiVersion: v1
kind: Service
metadata: { name: plain, namespace: default }
spec: { clusterIP: 10.96.0.11, ports: [{ port: 443 }] }
---
apiVersion: v1
kind: Service
metadata: { name: other-proxy, namespace: default, labels: { service.kubernetes.io/service-proxy-name: x } }
spec: { clusterIP: 10.96.0.12, ports: [{ port: 443 }] }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: default }
spec: { clusterIP: None, ports: [{ name: sql, port: 1 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-4, namespace: default, labels: { kubernetes.io/service-name: db, service.kubernetes.io/headless: "" } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints:
  - { addresses: [10.244.0.7], hostname: db-0 }
  - { addresses: [10.244.0.8] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-4-again, namespace: default, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints: [{ addresses: [10.244.0.8] }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-6, namespace: default, labels: { kubernetes.io/service-name: db } }
addressType: IPv6
ports: [{ name: sql, port: 5432 }]
endpoints:
  - { addresses: ["fd00:244:0:0:0:0:0:7"], hostname: db-0 }
  - { addresses: ["fd00:244::"] }
---
apiVersion: v1
kind: Service
metadata: { name: portless, namespace: default }
spec: { clusterIP: None }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: portless-1, namespace: default, labels: { kubernetes.io/service-name: portless } }
addressType: IPv4
ports: []
endpoints: [{ addresses: [10.244.0.7], hostname: db-0 }]
---
apiVersion: v1
kind: Service
metadata: { name: idle, namespace: default }
spec: { clusterIP: None, ports: [{ name: sql, port: 1 }] }
---
apiVersion: v1
kind: Service
metadata: { name: alias, namespace: default }
spec: { type: ExternalName, externalName: WEB.default.svc.cluster.local., ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: literal, namespace: default }
spec: { type: ExternalName, externalName: 192.0.2.1 }
---
apiVersion: v1
kind: Service
metadata: { name: 0svc, namespace: svc }
spec: { clusterIP: 10.96.0.13, ports: [{ port: 443 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: orphan, namespace: default, labels: { kubernetes.io/service-name: gone } }
addressType: IPv4
ports: []
endpoints: [{ addresses: [10.244.0.99] }]
`;
