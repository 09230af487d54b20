import { describe, expect, it } from 'vitest';
import { decodeService } from '../../../src/model/decode-service.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import type { ObjectParts } from '../../support/objects.ts';
import { serviceObject } from '../../support/objects.ts';

const UNHARMED = { clusterIps: ['10.96.0.7'], externalIps: [], loadBalancerIps: [], sourceRanges: [], createdAtMs: 0 };

function brief(problems: readonly Problem[]): readonly string[] {
  return problems.map(({ path, message, effect }) => `${effect} ${path}: ${message}`);
}

describe('skips the whole Service', () => {
  const cases: readonly [string, ObjectParts, string][] = [
    [
      'port number',
      { spec: { ports: [{ port: 70_000 }] } },
      'spec.ports[0].port: 70000 is not a port number (1 to 65535)',
    ],
    ['port missing', { spec: { ports: [{ name: 'x' }] } }, 'spec.ports[0].port: is missing'],
    ['no ports', { spec: { ports: [] } }, 'spec.ports: is empty'],
    [
      'node port',
      { spec: { ports: [{ port: 80, nodePort: '30080' }] } },
      'spec.ports[0].nodePort: "30080" is not a port number (0 to 65535)',
    ],
    [
      'protocol',
      { spec: { ports: [{ port: 80, protocol: 'tcp' }] } },
      'spec.ports[0].protocol: "tcp" is not one of TCP, UDP, SCTP',
    ],
    ['ClusterIP', { spec: { clusterIP: '10.96.0.300' } }, 'spec.clusterIP: "10.96.0.300" is not an IP address'],
    ['second ClusterIP', { spec: { clusterIPs: ['10.96.0.7', 'x'] } }, 'spec.clusterIPs[1]: "x" is not an IP address'],
    [
      'two ClusterIPs that differ',
      { spec: { clusterIPs: ['10.96.0.8'] } },
      'spec.clusterIPs[0]: "10.96.0.8" differs from spec.clusterIP',
    ],
    [
      'type',
      { spec: { type: 'Magic' } },
      'spec.type: "Magic" is not one of ClusterIP, NodePort, LoadBalancer, ExternalName',
    ],
    [
      'policy',
      { spec: { internalTrafficPolicy: 'local' } },
      'spec.internalTrafficPolicy: "local" is not one of Cluster, Local',
    ],
    [
      'affinity',
      { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } } },
      'spec.sessionAffinityConfig.clientIP.timeoutSeconds: 0 is not a number of seconds (1 to 86400)',
    ],
    ['spec', { spec: [] }, 'spec: is not an object'],
    ['name', { metadata: { name: 'Web' } }, 'metadata.name: "Web" is not a valid name'],
    ['no name', { metadata: { name: undefined } }, 'metadata.name: is missing'],
    ['64 characters', { metadata: { name: 'x'.repeat(64) } }, `metadata.name: "${'x'.repeat(59)}… is not a valid name`],
    ['quote in a name', { metadata: { name: 'web"' } }, 'metadata.name: "web\\"" is not a valid name'],
    ['newline after a name', { metadata: { name: 'web\n' } }, 'metadata.name: "web\\n" is not a valid name'],
    ['namespace', { metadata: { namespace: 'a;b' } }, 'metadata.namespace: "a;b" is not a valid namespace'],
    [
      'port name',
      { spec: { ports: [{ port: 80, name: 'a b' }] } },
      'spec.ports[0].name: "a b" is not a valid port name',
    ],
  ];
  it.each(cases)('%s', (_name, parts, expected) => {
    const { value, problems } = decodeService(serviceObject(parts));
    expect(value).toBeUndefined();
    expect(brief(problems)).toEqual([`skipped ${expected}`]);
  });
});

describe('leaves out just a part', () => {
  const vips = (...ips: readonly string[]) => ({ loadBalancer: { ingress: ips.map((ip) => ({ ip })) } });
  const cases: readonly [string, ObjectParts, Partial<ServicePort> | Record<string, unknown>, readonly string[]][] = [
    [
      'external IP',
      { spec: { externalIPs: ['bad', '192.0.2.1'] } },
      { externalIps: ['192.0.2.1'] },
      ['spec.externalIPs[0]: "bad" is not an address for clients'],
    ],
    [
      'loopback as external IP',
      { spec: { externalIPs: ['127.0.0.1'] } },
      {},
      ['spec.externalIPs[0]: "127.0.0.1" is not an address for clients'],
    ],
    ['external IP of a wrong type', { spec: { externalIPs: [5] } }, {}, ['spec.externalIPs[0]: 5 is not a string']],
    [
      'load balancer IP',
      { status: vips('bad', '198.51.100.1') },
      { loadBalancerIps: ['198.51.100.1'] },
      ['status.loadBalancer.ingress[0].ip: "bad" is not an IP address'],
    ],
    [
      'ipMode',
      { status: { loadBalancer: { ingress: [{ ip: '198.51.100.1', ipMode: 'X' }] } } },
      {},
      ['status.loadBalancer.ingress[0].ipMode: "X" is not one of VIP, Proxy'],
    ],
    [
      'creation time',
      { metadata: { creationTimestamp: 'soon' } },
      {},
      ['metadata.creationTimestamp: "soon" is not a time'],
    ],
    [
      'family of an address',
      { spec: { ipFamilies: ['IPv6'] } },
      {},
      ['spec.ipFamilies[0]: "IPv6" is not the family of 10.96.0.7'],
    ],
    [
      'second address of a family',
      { spec: { clusterIPs: ['10.96.0.7', '10.96.0.8'] } },
      {},
      ['spec.clusterIPs[1]: "10.96.0.8" is a second address of its family'],
    ],
    [
      'one of two source ranges',
      { spec: { loadBalancerSourceRanges: ['203.0.113.0/33', '203.0.113.0/24'] }, status: vips('198.51.100.1') },
      { sourceRanges: ['203.0.113.0/24'], loadBalancerIps: ['198.51.100.1'] },
      ['spec.loadBalancerSourceRanges[0]: "203.0.113.0/33" is not a network'],
    ],
    [
      'all source ranges: open, loudly',
      { spec: { loadBalancerSourceRanges: ['everybody'] } },
      {},
      [
        'spec.loadBalancerSourceRanges[0]: "everybody" is not a network',
        'spec.loadBalancerSourceRanges: no network can be read, so the load balancer addresses are open to everybody',
      ],
    ],
    [
      'source ranges of the other family only: open, loudly',
      { spec: { loadBalancerSourceRanges: ['2001:db8::/32'] }, status: vips('198.51.100.1') },
      { sourceRanges: ['2001:db8::/32'], loadBalancerIps: ['198.51.100.1'] },
      [
        'spec.loadBalancerSourceRanges: no IPv4 network is listed, so the IPv4 load balancer addresses are open to everybody',
      ],
    ],
  ];
  it.each(cases)('%s', (_name, parts, expected, problems) => {
    const decoded = decodeService(serviceObject(parts));
    expect(decoded.value).toMatchObject([{ ...UNHARMED, ...expected }]);
    expect(brief(decoded.problems)).toEqual(problems.map((problem) => `ignored ${problem}`));
  });
});

it('keeps quiet about a family of source ranges that no load balancer address needs', () => {
  const spec = { clusterIPs: ['10.96.0.7', 'fd00::7'], loadBalancerSourceRanges: ['203.0.113.0/24'] };
  const status = { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } };
  expect(decodeService(serviceObject({ spec, status })).problems).toEqual([]);
});
