/** Untyped objects as an API server or a manifest would have them; every part can be overridden, also with nonsense. */
export interface ObjectParts {
  readonly metadata?: unknown;
  readonly spec?: unknown;
  readonly status?: unknown;
}

function merged(base: object, parts: unknown): unknown {
  return typeof parts === 'object' && parts !== null && !Array.isArray(parts) ? { ...base, ...parts } : (parts ?? base);
}

/** Service default/web with one port, `http` 80/TCP, on 10.96.0.7. */
export function serviceObject(parts: ObjectParts = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: merged({ namespace: 'default', name: 'web' }, parts.metadata),
    spec: merged({ clusterIP: '10.96.0.7', ports: [{ name: 'http', port: 80 }] }, parts.spec),
    status: parts.status,
  };
}

/** EndpointSlice default/web-abc of Service default/web with no endpoints; its port is `http`, 8080/TCP. */
export function sliceObject(
  parts: { metadata?: unknown; addressType?: unknown; ports?: unknown; endpoints?: unknown } = {},
) {
  const labels = { 'kubernetes.io/service-name': 'web' };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: merged({ namespace: 'default', name: 'web-abc', labels }, parts.metadata),
    addressType: parts.addressType ?? 'IPv4',
    ports: parts.ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: parts.endpoints ?? [],
  };
}
