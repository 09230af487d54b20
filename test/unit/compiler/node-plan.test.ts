import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { disjointCidrs, nodeWarnings, planNode } from '../../../src/compiler/node-plan.ts';
import type { CompileSettings, NodePlan } from '../../../src/compiler/plan.ts';
import { cidrContains, IP_FAMILIES } from '../../../src/model/address.ts';
import type { NodeInfo } from '../../../src/model/node.ts';
import { NODE, SETTINGS } from '../../support/cluster.ts';
import { cidr, ip } from '../../support/plans.ts';

function plans(settings: Partial<CompileSettings>, node: NodeInfo = NODE): { IPv4: NodePlan; IPv6: NodePlan } {
  const [IPv4, IPv6] = IP_FAMILIES.map((family) =>
    planNode({ family, node, settings: { ...SETTINGS, ...settings }, serviceCidrs: [] }),
  ) as [NodePlan, NodePlan];
  return { IPv4, IPv6 };
}

describe('who is a pod', () => {
  const podless: NodeInfo = { ...NODE, podCidrs: [cidr('10.244.1.0/24')] };

  test.each<[string, CompileSettings['detectLocal'], unknown, unknown]>([
    ['NodeCIDR', { mode: 'NodeCIDR' }, { kind: 'cidr', cidr: '10.244.1.0/24' }, undefined],
    [
      'ClusterCIDR: the first of each family',
      { mode: 'ClusterCIDR', clusterCidrs: ['fd00::/48', '10.244.0.0/16', '10.0.0.0/8'].map(cidr) },
      { kind: 'cidr', cidr: '10.244.0.0/16' },
      { kind: 'cidr', cidr: 'fd00::/48' },
    ],
    ['ClusterCIDR without one', { mode: 'ClusterCIDR', clusterCidrs: [] }, undefined, undefined],
    [
      'BridgeInterface',
      { mode: 'BridgeInterface', interfaceName: 'cni0' },
      { kind: 'bridge', interfaceName: 'cni0' },
      { kind: 'bridge', interfaceName: 'cni0' },
    ],
    [
      'InterfaceNamePrefix',
      { mode: 'InterfaceNamePrefix', prefix: 'veth' },
      { kind: 'interface-prefix', prefix: 'veth' },
      { kind: 'interface-prefix', prefix: 'veth' },
    ],
  ])('%s', (_name, detectLocal, four, six) => {
    const { IPv4, IPv6 } = plans({ detectLocal }, podless);
    expect([IPv4.podDetector, IPv6.podDetector]).toEqual([four, six]);
  });

  test.each<[string, Partial<CompileSettings>, NodePlan['clusterIpMasquerade'], NodePlan['clusterIpMasquerade']]>([
    ['M1', { masqueradeAll: true }, 'always', 'always'],
    ['M2, M3', {}, 'not-pod', 'never'],
  ])('%s: masquerade of ClusterIPs', (_name, settings, four, six) => {
    const { IPv4, IPv6 } = plans(settings, podless);
    expect([IPv4.clusterIpMasquerade, IPv6.clusterIpMasquerade]).toEqual([four, six]);
  });
});

describe('NodePort addresses', () => {
  const all = (loopback: boolean) => ({ kind: 'all', loopback });
  const listed = (addresses: readonly string[], loopback = false) => ({ kind: 'listed', addresses, loopback });
  const choose = (...texts: readonly string[]) => ({ nodePortAddresses: texts.map(cidr) });

  test.each<[string, Partial<CompileSettings>, unknown, unknown]>([
    ['N1: no list', {}, all(true), all(false)],
    ['N1: no list, loopback off', { localhostNodePorts: false }, all(false), all(false)],
    [
      'N2: by network, of all interfaces',
      choose('192.168.0.0/16', '2001:db8::/32'),
      listed(['192.168.0.1', '192.168.7.1']),
      listed(['2001:db8::1']),
    ],
    ['N2: no address in the network', choose('172.16.0.0/12', 'fd12::/16'), listed([]), listed([])],
    ['N3: a list of the other family', choose('192.168.7.0/24'), listed(['192.168.7.1']), all(false)],
    ['N3: /0 of one family', choose('0.0.0.0/0', '2001:db8::/32'), all(true), listed(['2001:db8::1'])],
    ['N3: /0 beside a network', choose('192.168.0.0/24', '0.0.0.0/0', '::/0'), all(true), all(false)],
    ['N4: loopback listed', choose('127.0.0.0/8', '::1/128'), listed([], true), listed([])],
    [
      'N4: loopback listed, but switched off',
      { ...choose('127.0.0.0/8'), localhostNodePorts: false },
      listed([]),
      all(false),
    ],
    ['primary', { nodePortAddresses: 'primary' }, listed(['192.168.0.1']), listed(['2001:db8::1'])],
  ])('%s', (_name, settings, four, six) => {
    const { IPv4, IPv6 } = plans(settings);
    expect([IPv4.nodePortAddresses, IPv6.nodePortAddresses]).toEqual([four, six]);
  });

  test('primary, but the node has no address of the family: all of them', () => {
    const node = { ...NODE, addresses: [ip('127.0.0.1'), ip('192.168.0.1'), ip('192.168.7.1')] };
    const { IPv4, IPv6 } = plans({ nodePortAddresses: 'primary' }, node);
    expect([IPv4.nodePortAddresses, IPv6.nodePortAddresses]).toEqual([listed(['192.168.0.1']), all(false)]);
  });

  test('an address that only the Node object has counts too, and none counts twice', () => {
    const node = { ...NODE, addresses: [ip('192.168.9.9'), ip('192.168.0.1')] };
    const { IPv4 } = plans(choose('192.168.0.0/16'), node);
    expect(IPv4.nodePortAddresses).toEqual(listed(['192.168.0.1', '192.168.7.1', '192.168.9.9']));
  });
});

test('ServiceCIDRs go to their family, without those inside others', () => {
  const serviceCidrs = ['10.96.0.0/16', 'fd00:96::/112', '10.96.5.0/24', '10.0.0.0/16', '10.96.0.0/16'].map(cidr);
  const of = (family: 'IPv4' | 'IPv6') =>
    planNode({ family, node: NODE, settings: SETTINGS, serviceCidrs }).serviceCidrs;
  expect(of('IPv4')).toEqual(['10.0.0.0/16', '10.96.0.0/16']);
  expect(of('IPv6')).toEqual(['fd00:96::/112']);
});

test('disjointCidrs keeps exactly what covers all, once, sorted', () => {
  const octet = fc.constantFrom(0, 1, 128);
  const networks = fc
    .array(fc.tuple(octet, octet, fc.constantFrom(0, 8, 9, 16, 32)), { maxLength: 8 })
    .map((list) => list.map(([a, b, prefix]) => cidr(`10.${a}.${b}.0/${prefix}`)));
  fc.assert(
    fc.property(networks, (given) => {
      const kept = disjointCidrs(given);
      expect(kept).toEqual([...new Set(kept)].sort());
      for (const network of given) expect(kept.filter((outer) => cidrContains(outer, network))).toHaveLength(1);
      for (const network of kept) expect(given).toContain(network);
    }),
    { numRuns: 200 },
  );
});

describe('warnings', () => {
  const warn = (family: 'IPv4' | 'IPv6', settings: Partial<CompileSettings>, node: NodeInfo = NODE) =>
    nodeWarnings({ family, node, settings: { ...SETTINGS, ...settings }, serviceCidrs: [] });

  test('none when all is known', () => {
    expect(warn('IPv4', { nodePortAddresses: 'primary' })).toEqual([]);
  });

  test('a family without a pod network', () => {
    const warnings = warn('IPv6', {}, { ...NODE, podCidrs: [] });
    expect(warnings).toEqual([expect.stringMatching(/^IPv6: no pod network is known \(NodeCIDR\)/)]);
  });

  test('a family without a primary address', () => {
    const warnings = warn('IPv6', { nodePortAddresses: 'primary' }, { ...NODE, addresses: [ip('192.168.0.1')] });
    expect(warnings).toEqual([expect.stringMatching(/^IPv6: the node has no known address/)]);
  });
});
