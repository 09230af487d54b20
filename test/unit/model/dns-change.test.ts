import { describe, expect, test } from 'vitest';
import { dnsChangeOf } from '../../../src/model/dns-change.ts';
import { identify } from '../../../src/model/object.ts';

function decode(json: object, podNames = false) {
  const identity = identify(json);
  if (identity === undefined) throw new Error('no object of DNS');
  const { change, problems } = dnsChangeOf({ ...identity, json }, { podNames });
  return { value: change?.value, problems: problems.map(({ path, message }) => `${path}: ${message}`) };
}

const service = (spec: object, labels = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'a', labels },
  spec,
});
const slice = (more: object, owner: string | undefined = 'web') => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  metadata: {
    name: 'web-1',
    namespace: 'a',
    labels: owner === undefined ? {} : { 'kubernetes.io/service-name': owner },
  },
  ...more,
});
const TEN = '\x0a\0\0\x01';

describe('Services', () => {
  const ports = [{ port: 80 }];
  const http = [{ name: '', protocol: 'tcp', port: 80 }];

  test.each([
    [
      'one address',
      { clusterIP: '10.0.0.1', ports },
      { kind: 'cluster', addresses: [TEN], ports: http, programmed: true },
    ],
    [
      'two',
      { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1', '::1'], ports },
      { kind: 'cluster', addresses: [TEN, `${'\0'.repeat(15)}\x01`], ports: http, programmed: true },
    ],
    ['headless', { clusterIP: 'None', ports }, { kind: 'headless' }],
    ['headless, by the list', { clusterIPs: ['None'], ports }, { kind: 'headless' }],
    ['not allocated', { ports }, undefined],
    [
      'an alias, whatever its address was',
      { type: 'ExternalName', externalName: 'x.y', clusterIP: '10.0.0.1' },
      { kind: 'external', target: 'x.y' },
    ],
    ['no alias any more', { type: 'ClusterIP', externalName: 'x.y', clusterIP: 'None' }, { kind: 'headless' }],
  ])('%s', (_what, spec, value) => expect(decode(service(spec))).toEqual({ value, problems: [] }));

  test('those of another proxy wait for nobody', () => {
    const found = decode(service({ clusterIP: '10.0.0.1' }, { 'service.kubernetes.io/service-proxy-name': 'x' }));
    expect(found.value).toMatchObject({ programmed: false });
  });

  test.each([
    [{ clusterIP: 'x' }, 'spec.clusterIP: "x" is not an IP address'],
    [{ type: 'ExternalName' }, 'spec.externalName: is missing'],
  ])('%j is left out', (spec, problem) => {
    expect(decode(service(spec))).toEqual({ value: undefined, problems: [problem] });
  });

  test('a bad port costs the port', () => {
    const found = decode(service({ clusterIP: '10.0.0.1', ports: [{ port: 0 }, { port: 80 }] }));
    expect(found).toMatchObject({
      value: { ports: http },
      problems: ['spec.ports[0].port: 0 is not a port number (1 to 65535)'],
    });
  });
});

describe('EndpointSlices', () => {
  const at = (address: string, more = {}) => ({ addresses: [address], ...more });

  test('ready is ready and nothing else', () => {
    const endpoints = [
      at('10.0.0.1', { conditions: { ready: true, serving: false, terminating: true } }),
      at('10.0.0.2', { conditions: { ready: false, serving: true } }),
      at('10.0.0.3', { conditions: {} }),
    ];
    expect(decode(slice({ endpoints })).value).toEqual({
      service: 'a/web',
      family: 'IPv4',
      addresses: `${TEN}\x0a\0\0\x03`,
      ports: [],
    });
  });

  test('hostnames, all addresses of an endpoint', () => {
    const endpoints = [{ addresses: ['10.0.0.1', '10.0.0.2'], hostname: 'Web-0' }, at('10.0.0.3')];
    expect(decode(slice({ endpoints })).value).toMatchObject({ hosts: ['web-0', 'web-0', ''] });
  });

  test('names of pods when they are wanted', () => {
    const endpoints = [
      at('10.0.0.1', { targetRef: { name: 'p' } }),
      at('10.0.0.2', { hostname: 'h', targetRef: { name: 'q' } }),
      at('10.0.0.3', { targetRef: { name: 'x'.repeat(64) } }),
    ];
    expect(decode(slice({ endpoints }), true).value).toMatchObject({ hosts: ['p', 'h', ''] });
    expect(decode(slice({ endpoints })).value).toMatchObject({ hosts: ['', 'h', ''] });
  });

  test('IPv6 in any spelling', () => {
    const found = decode(slice({ addressType: 'IPv6', endpoints: [at('fd00:0:0:0:0:0:0:1')] }));
    expect(found.value).toMatchObject({ family: 'IPv6', addresses: `\xfd${'\0'.repeat(14)}\x01` });
  });

  test.each([
    ['host names', slice({ addressType: 'FQDN', endpoints: [at('x.y')] })],
    ['of no Service', slice({ endpoints: [at('10.0.0.1')] }, '')],
  ])('%s are not for us', (_what, json) => expect(decode(json).value).toBeUndefined());

  test('a bad endpoint costs the endpoint', () => {
    const found = decode(slice({ endpoints: [at('fd00::1'), at('10.0.0.1', { hostname: 'a.b' }), at('10.0.0.1')] }));
    expect(found.value).toMatchObject({ addresses: TEN });
    expect(found.problems).toHaveLength(2);
  });
});

test('Namespaces and Pods', () => {
  expect(decode({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } }).value).toBe(true);
  const pod = (status: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'a' }, status });
  expect(decode(pod({ podIPs: [{ ip: '10.0.0.1' }] })).value).toEqual({ addresses: [TEN] });
  expect(decode(pod({ podIP: '10.0.0.1' })).value).toEqual({ addresses: [TEN] });
  expect(decode(pod({ podIP: '10.0.0.1', phase: 'Succeeded' })).value).toBeUndefined();
  expect(decode(pod({})).value).toBeUndefined();
});

test('what is gone has no value; what DNS does not read is no change', () => {
  expect(dnsChangeOf({ kind: 'Service', name: 'a/web', json: undefined }).change).toEqual({
    kind: 'Service',
    name: 'a/web',
    value: undefined,
  });
  expect(dnsChangeOf({ kind: 'Node', name: 'n', json: {} }).change).toBeUndefined();
});
