import { describe, expect, it } from 'vitest';
import { decodeNode } from '../../../src/model/decode-node.ts';
import { decodeServiceCidr } from '../../../src/model/decode-service-cidr.ts';

function node(parts: { labels?: unknown; spec?: unknown; addresses?: unknown }) {
  return {
    metadata: { name: 'node-1', labels: parts.labels },
    spec: parts.spec,
    status: { addresses: parts.addresses },
  };
}

describe('Node', () => {
  const cases: readonly [string, Parameters<typeof node>[0], object, readonly string[]][] = [
    ['nothing known', {}, {}, []],
    [
      'internal before external, each in its order',
      {
        addresses: [
          { type: 'ExternalIP', address: '203.0.113.5' },
          { type: 'Hostname', address: 'node-1' },
          { type: 'InternalIP', address: '192.168.1.5' },
          { type: 'InternalIP', address: 'fd00::5' },
        ],
      },
      { addresses: ['192.168.1.5', 'fd00::5', '203.0.113.5'] },
      [],
    ],
    [
      'bad address',
      {
        addresses: [
          { type: 'InternalIP', address: '192.168.1' },
          { type: 'ExternalIP', address: '203.0.113.5' },
        ],
      },
      { addresses: ['203.0.113.5'] },
      ['status.addresses[0].address'],
    ],
    ['zone', { labels: { 'topology.kubernetes.io/zone': 'eu-1' } }, { zone: 'eu-1' }, []],
    ['empty zone', { labels: { 'topology.kubernetes.io/zone': '' } }, {}, []],
    [
      'pod networks',
      { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:1::/64'] } },
      { podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] },
      [],
    ],
    ['only the old field', { spec: { podCIDR: '10.244.1.0/24' } }, { podCidrs: ['10.244.1.0/24'] }, []],
    [
      'bad pod network',
      { spec: { podCIDRs: ['10.244.1.0', '10.244.2.0/24'] } },
      { podCidrs: ['10.244.2.0/24'] },
      ['spec.podCIDRs[0]'],
    ],
  ];
  it.each(cases)('%s', (_name, parts, expected, ignored) => {
    const { value, problems } = decodeNode(node(parts));
    expect(value).toEqual({ name: 'node-1', addresses: [], podCidrs: [], ...expected });
    expect(problems.map(({ path, effect }) => [path, effect])).toEqual(ignored.map((path) => [path, 'ignored']));
  });

  it('is skipped when its name is none', () => {
    expect(decodeNode({ metadata: { name: 'a b' } })).toMatchObject({
      value: undefined,
      problems: [{ object: '"a b"', effect: 'skipped' }],
    });
  });
});

describe('a Node that is about to go', () => {
  const cases: readonly [string, object, string | undefined][] = [
    ['is being deleted', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, 'deletion'],
    ['is marked by the autoscaler', { spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler' }] } }, 'scale-down'],
    ['has another taint', { spec: { taints: [{ key: 'node.kubernetes.io/not-ready' }] } }, undefined],
    ['has something else for taints', { spec: { taints: 'x' } }, undefined],
  ];
  it.each(cases)('%s', (_name, parts: { metadata?: object; spec?: object }, leaving) => {
    const { value } = decodeNode({ metadata: { name: 'node-1', ...parts.metadata }, spec: parts.spec });
    expect(value?.leaving).toBe(leaving);
  });
});

describe('ServiceCIDR', () => {
  it('gives its networks, without those that are none', () => {
    const json = { metadata: { name: 'kubernetes' }, spec: { cidrs: ['10.96.0.0/12', 'x', 'fd00::/108'] } };
    const { value, problems } = decodeServiceCidr(json, 'f.yaml:2');
    expect(value).toEqual(['10.96.0.0/12', 'fd00::/108']);
    expect(problems).toMatchObject([
      { object: 'kubernetes', path: 'spec.cidrs[1]', effect: 'ignored', origin: 'f.yaml:2' },
    ]);
  });
});
