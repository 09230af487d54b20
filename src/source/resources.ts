import type { Resource } from './resource.ts';

/** What cluster DNS wants to know beyond what a proxy does. */
export interface DnsNeeds {
  /** Every pod of the cluster, for `pods verified`. */
  readonly pods: boolean;
}

/** With kube-proxy's selectors: what it is not to see never crosses the network. */
const OF_PROXIES = {
  services: { labelSelector: '!service.kubernetes.io/service-proxy-name', fieldSelector: 'spec.clusterIP!=None' },
  slices: { labelSelector: '!service.kubernetes.io/headless' },
} as const;

/**
 * What a service proxy follows. With DNS beside it, Services and slices come without selectors, because headless Services and
 * those of other proxies have names too; the {@link file://../model/store.ts} leaves out what has no rules.
 */
export function proxyResources(nodeName: string, dns?: DnsNeeds): readonly Resource[] {
  return [
    ...(dns === undefined
      ? [
          { ...SERVICES, ...OF_PROXIES.services },
          { ...SLICES, ...OF_PROXIES.slices },
        ]
      : dnsResources(dns)),
    { kind: 'Node', path: '/api/v1/nodes', namespaced: false, fieldSelector: `metadata.name=${nodeName}` },
    // Since Kubernetes 1.33, and only some backends look at them.
    { kind: 'ServiceCIDR', path: '/apis/networking.k8s.io/v1/servicecidrs', namespaced: false, optional: true },
  ];
}

/** What cluster DNS follows. */
export function dnsResources({ pods }: DnsNeeds): readonly Resource[] {
  return [SERVICES, SLICES, NAMESPACES, ...(pods ? [PODS] : [])];
}

const SERVICES: Resource = { kind: 'Service', path: '/api/v1/services', namespaced: true };

const SLICES: Resource = {
  kind: 'EndpointSlice',
  path: '/apis/discovery.k8s.io/v1/endpointslices',
  namespaced: true,
};

/** Optional, so that a proxy whose role lacks them still starts; then namespaces are those that have Services. */
const NAMESPACES: Resource = {
  kind: 'Namespace',
  path: '/api/v1/namespaces',
  namespaced: false,
  optional: true,
  metadataOnly: true,
};

/** Pods that are over have no address of their own any more. */
const PODS: Resource = {
  kind: 'Pod',
  path: '/api/v1/pods',
  namespaced: true,
  fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown',
  optional: true,
};
