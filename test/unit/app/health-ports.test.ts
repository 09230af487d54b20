import { expect, test } from 'vitest';
import { HealthPorts } from '../../../src/app/health-ports.ts';
import { Store } from '../../../src/model/store.ts';

function service(
  name: string,
  port: number | undefined,
  ports: readonly string[] = ['http'],
): Parameters<Store['apply']>[0] {
  return {
    kind: 'Service',
    name: `shop/${name}`,
    json: {
      kind: 'Service',
      metadata: { name, namespace: 'shop' },
      spec: {
        type: 'LoadBalancer',
        clusterIP: `10.96.0.${name.length}`,
        externalTrafficPolicy: port === undefined ? 'Cluster' : 'Local',
        ...(port === undefined ? {} : { healthCheckNodePort: port }),
        ports: ports.map((portName, i) => ({ name: portName, port: 80 + i, nodePort: 30_000 + 10 * name.length + i })),
      },
    },
  };
}

function slice(
  of: string,
  endpoints: readonly [address: string, node: string, ready?: boolean][],
): Parameters<Store['apply']>[0] {
  return {
    kind: 'EndpointSlice',
    name: `shop/${of}-1`,
    json: {
      kind: 'EndpointSlice',
      metadata: { name: `${of}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': of } },
      addressType: 'IPv4',
      ports: ['http', 'more'].map((name, i) => ({ name, port: 8080 + i })),
      endpoints: endpoints.map(([address, nodeName, ready = true]) => ({
        addresses: [address],
        nodeName,
        conditions: { ready, serving: true, terminating: !ready },
      })),
    },
  };
}

test('health check ports follow Services and their ready endpoints on this node', () => {
  const store = new Store();
  const ports = new HealthPorts('IPv4');
  const other = new HealthPorts('IPv6');
  const now = (...events: Parameters<Store['apply']>[0][]): unknown => {
    for (const event of events) store.apply(event);
    expect(other.update(store.snapshot(), 'node-1').size).toBe(0);
    return Object.fromEntries(ports.update(store.snapshot(), 'node-1'));
  };
  expect(now(service('front', 31_000, ['http', 'more']), service('plain', undefined))).toEqual({
    'shop/front': { port: 31_000, localEndpoints: 0 },
  });
  // Two ports of one pod count once, other nodes and endpoints that are not ready do not count.
  const some = slice('front', [
    ['10.1.0.1', 'node-1'],
    ['10.1.0.2', 'node-2'],
    ['10.1.0.3', 'node-1', false],
  ]);
  expect(now(some)).toEqual({ 'shop/front': { port: 31_000, localEndpoints: 1 } });
  expect(now(service('front', 31_001, ['http']))).toEqual({ 'shop/front': { port: 31_001, localEndpoints: 1 } });
  expect(Object.fromEntries(ports.update(store.snapshot(), 'node-2'))).toEqual({
    'shop/front': { port: 31_001, localEndpoints: 1 },
  });
  expect(now(service('front', undefined))).toEqual({});
});
