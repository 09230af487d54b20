import { describe, expect, it } from 'vitest';
import { decodeService } from '../../../src/model/decode-service.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import type { ObjectParts } from '../../support/objects.ts';
import { serviceObject } from '../../support/objects.ts';

const PLAIN = {
  key: 'default/web:http/tcp',
  service: 'default/web',
  portName: 'http',
  protocol: 'tcp',
  port: 80,
  clusterIps: ['10.96.0.7'],
  externalIps: [],
  loadBalancerIps: [],
  sourceRanges: [],
  internalTrafficPolicy: 'Cluster',
  externalTrafficPolicy: 'Cluster',
  createdAtMs: 0,
} as const;

function brief(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ path, message, effect }) => `${effect} ${path}: ${message}`);
}

it('reads a minimal Service with the defaults of the API server', () => {
  expect(decodeService(serviceObject())).toEqual({ value: [PLAIN], problems: [] });
});

describe('one part of a Service', () => {
  const cases: readonly [string, ObjectParts, Partial<ServicePort> | Record<string, unknown>][] = [
    [
      'protocol',
      { spec: { ports: [{ port: 53, protocol: 'UDP' }] } },
      { key: 'default/web:/udp', portName: '', protocol: 'udp', port: 53 },
    ],
    [
      'SCTP',
      { spec: { ports: [{ port: 1, protocol: 'SCTP' }] } },
      { key: 'default/web:/sctp', portName: '', protocol: 'sctp', port: 1 },
    ],
    ['no namespace is default', { metadata: { namespace: undefined } }, {}],
    ['creation time', { metadata: { creationTimestamp: '2024-01-02T03:04:05Z' } }, { createdAtMs: 1_704_164_645_000 }],
    ['creation time of kubectl --dry-run', { metadata: { creationTimestamp: null } }, {}],
    ['leading zeros are decimal', { spec: { clusterIP: '10.096.0.07' } }, {}],
    [
      'dual stack',
      { spec: { clusterIPs: ['10.96.0.7', 'FD00:0::7'], ipFamilies: ['IPv4', 'IPv6'] } },
      { clusterIps: ['10.96.0.7', 'fd00::7'] },
    ],
    ['only clusterIPs', { spec: { clusterIP: undefined, clusterIPs: ['fd00::7'] } }, { clusterIps: ['fd00::7'] }],
    ['families wanted, not all allocated', { spec: { ipFamilies: ['IPv4', 'IPv6'] } }, {}],
    [
      'node port',
      { spec: { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080 }] } },
      { nodePort: 30080 },
    ],
    ['node port 0 is none', { spec: { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 0 }] } }, {}],
    ['no node ports allocated', { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false } }, {}],
    [
      'a node port set by hand counts even so',
      {
        spec: {
          type: 'LoadBalancer',
          allocateLoadBalancerNodePorts: false,
          ports: [{ name: 'http', port: 80, nodePort: 30080 }],
        },
      },
      { nodePort: 30080 },
    ],
    [
      'external IPs once each, blanks left out',
      { spec: { externalIPs: ['192.0.2.1', '', '192.0.2.01', '2001:db8::1'] } },
      { externalIps: ['192.0.2.1', '2001:db8::1'] },
    ],
    [
      'load balancer IPs',
      { status: { loadBalancer: { ingress: [{ ip: '198.51.100.1' }, { ip: '198.51.100.2', ipMode: 'VIP' }] } } },
      { loadBalancerIps: ['198.51.100.1', '198.51.100.2'] },
    ],
    [
      'ipMode Proxy and host names are not ours',
      { status: { loadBalancer: { ingress: [{ ip: '198.51.100.1', ipMode: 'Proxy' }, { hostname: 'lb.example' }] } } },
      {},
    ],
    [
      'source ranges are trimmed, host bits cleared',
      { spec: { loadBalancerSourceRanges: [' 203.0.113.7/24 ', '0.0.0.0/0'] } },
      { sourceRanges: ['203.0.113.0/24', '0.0.0.0/0'] },
    ],
    ['internal policy', { spec: { internalTrafficPolicy: 'Local' } }, { internalTrafficPolicy: 'Local' }],
    [
      'affinity',
      { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } } },
      { affinityTimeoutS: 60 },
    ],
    ['affinity without a timeout', { spec: { sessionAffinity: 'ClientIP' } }, { affinityTimeoutS: 10_800 }],
    [
      'a timeout without affinity',
      { spec: { sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } } },
      {},
    ],
  ];
  it.each(cases)('%s', (_name, parts, expected) => {
    expect(decodeService(serviceObject(parts))).toEqual({ value: [{ ...PLAIN, ...expected }], problems: [] });
  });
});

describe('externalTrafficPolicy Local counts where clients from outside are to be expected', () => {
  const local = { externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 };
  const vip = { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } };
  const cases: readonly [string, ObjectParts, Partial<ServicePort>][] = [
    ['ClusterIP', { spec: local }, { externalTrafficPolicy: 'Cluster' }],
    ['ClusterIP with a left-over VIP', { spec: local, status: vip }, { externalTrafficPolicy: 'Cluster' }],
    [
      'ClusterIP with external IPs',
      { spec: { ...local, externalIPs: ['192.0.2.1'] } },
      { externalTrafficPolicy: 'Local' },
    ],
    ['NodePort', { spec: { ...local, type: 'NodePort' } }, { externalTrafficPolicy: 'Local' }],
    [
      'LoadBalancer',
      { spec: { ...local, type: 'LoadBalancer' } },
      { externalTrafficPolicy: 'Local', healthCheckNodePort: 32000 },
    ],
    [
      'LoadBalancer, policy Cluster',
      { spec: { ...local, type: 'LoadBalancer', externalTrafficPolicy: 'Cluster' } },
      { externalTrafficPolicy: 'Cluster' },
    ],
  ];
  it.each(cases)('%s', (_name, parts, expected) => {
    const [port] = decodeService(serviceObject(parts)).value ?? [];
    expect(port?.externalTrafficPolicy).toBe(expected.externalTrafficPolicy);
    expect(port?.healthCheckNodePort).toBe(expected.healthCheckNodePort);
  });
});

describe('no business of the dataplane, and nothing to complain about', () => {
  const cases: readonly [string, ObjectParts][] = [
    ['headless', { spec: { clusterIP: 'None' } }],
    ['headless, as the API server writes it', { spec: { clusterIP: 'None', clusterIPs: ['None'], ports: undefined } }],
    ['not allocated yet', { spec: { clusterIP: '' } }],
    ['no ClusterIP at all', { spec: { clusterIP: undefined } }],
    ['ExternalName with a ClusterIP', { spec: { type: 'ExternalName', externalName: 'example.org' } }],
    ['another proxy', { metadata: { labels: { 'service.kubernetes.io/service-proxy-name': '' } } }],
  ];
  it.each(cases)('%s', (_name, parts) => {
    expect(decodeService(serviceObject(parts))).toEqual({ value: [], problems: [] });
  });
});

describe('several ports', () => {
  const cases: readonly [string, readonly unknown[], readonly string[], readonly string[]][] = [
    [
      'each its own',
      [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
      ['default/web:a/tcp', 'default/web:b/tcp'],
      [],
    ],
    [
      'one number, two protocols',
      [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53 },
      ],
      ['default/web:dns/udp', 'default/web:dns-tcp/tcp'],
      [],
    ],
    [
      'the same number',
      [
        { name: 'a', port: 80 },
        { name: 'b', port: 80 },
      ],
      ['default/web:a/tcp'],
      ['ignored spec.ports[1]: port 80/tcp is there twice'],
    ],
    [
      'the same name',
      [
        { name: 'a', port: 80 },
        { name: 'a', port: 81 },
      ],
      ['default/web:a/tcp'],
      ['ignored spec.ports[1].name: "a" is there twice'],
    ],
    [
      'no names',
      [{ port: 80 }, { port: 81 }],
      ['default/web:/tcp'],
      ['ignored spec.ports[1].name: a second port without a name'],
    ],
  ];
  it.each(cases)('%s', (_name, ports, keys, problems) => {
    const decoded = decodeService(serviceObject({ spec: { ports } }));
    expect(decoded.value?.map((port) => port.key)).toEqual(keys);
    expect(brief(decoded.problems)).toEqual(problems);
  });
});

it('calls an object by the name it claims, on one line', () => {
  const { problems } = decodeService(serviceObject({ metadata: { name: 'a\nb' } }), 'f.yaml:1');
  expect(problems[0]).toMatchObject({ kind: 'Service', object: '"default/a\\nb"', origin: 'f.yaml:1' });
  expect(decodeService('nonsense').problems[0]).toMatchObject({
    object: 'default/',
    path: '',
    message: '"nonsense" is not an object',
  });
});
