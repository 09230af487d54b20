import { describe, expect, test } from 'vitest';
import { baseRules } from '../../../../src/backend/nft/base.ts';
import { nftSpelling } from '../../../../src/backend/nft/render.ts';
import type { NodePlan } from '../../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import { cidr, ip, nodePlan, planOf } from '../../../support/plans.ts';

/** Lines of every chain, and the keys of sets that have something. */
function base(node: Partial<NodePlan> = {}, family: IpFamily = 'IPv4'): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { object, key, lines } of baseRules(planOf(family, [], nodePlan(family, node))).pieces) {
    (found[object.replace(/^\w+ /, '')] ??= []).push(...(lines.length === 0 ? [key] : lines));
  }
  return found;
}

const TO_ADDRESS = 'ip daddr . meta l4proto . th dport';
const MASQUERADE = 'masquerade fully-random';

describe('who is told from whom', () => {
  test.each<[string, Partial<NodePlan>, IpFamily, string]>([
    ['by network', {}, 'IPv4', 'ip saddr != 10.244.0.0/16 '],
    ['by network, IPv6', {}, 'IPv6', 'ip6 saddr != fd00:244::/64 '],
    ['by bridge', { podDetector: { kind: 'bridge', interfaceName: 'cni0' } }, 'IPv4', 'iifname != "cni0" '],
    ['by prefix', { podDetector: { kind: 'interface-prefix', prefix: 'veth' } }, 'IPv6', 'iifname != "veth*" '],
  ])('%s', (_name, node, family, notPod) => {
    const chains = base(node, family);
    const ip4or6 = family === 'IPv4' ? 'ip' : 'ip6';
    const destination = `${ip4or6} daddr . meta l4proto . th dport`;
    expect(chains['nat-prerouting']?.slice(0, 2)).toEqual([
      `${notPod}${destination} vmap @service-ips-outside`,
      `${destination} vmap @service-ips`,
    ]);
    expect(chains['nodeports-in']?.[0]).toBe(`${notPod}meta l4proto . th dport vmap @service-nodeports-outside`);
    expect(chains['masquerade-node']).toEqual([`${notPod}fib saddr type local ${MASQUERADE}`]);
    expect(chains['masquerading']).toContain(`ct original ${ip4or6} daddr @cluster-ips ${notPod}${MASQUERADE}`);
  });

  test('not at all', () => {
    const chains = baseRules(
      planOf('IPv4', [], {
        nodePortAddresses: { kind: 'all', loopback: false },
        clusterIpMasquerade: 'never',
        serviceCidrs: [],
      }),
    ).pieces.filter(({ object }) => object === 'chain nat-prerouting' || object === 'chain masquerade-node');
    expect(chains.flatMap(({ lines }) => lines)).toEqual([
      `${TO_ADDRESS} vmap @service-ips-outside`,
      `${TO_ADDRESS} vmap @service-ips`,
      'ip daddr != 127.0.0.0/8 fib daddr type local goto nodeports-in',
      `fib saddr type local ${MASQUERADE}`,
    ]);
  });
});

test('a pod that lost its interface on a bridge is known by the one that it leaves by', () => {
  const chain = base({ podDetector: { kind: 'bridge', interfaceName: 'cni0' } })['masquerading']?.slice(1, 3);
  expect(chain).toEqual([
    'ct original ip daddr @cluster-ips iif 0 oifname "cni0" fib saddr type != local return',
    `ct original ip daddr @cluster-ips iifname != "cni0" ${MASQUERADE}`,
  ]);
});

test.each<[NodePlan['clusterIpMasquerade'], readonly string[]]>([
  ['always', [`ct original ip daddr @cluster-ips ${MASQUERADE}`]],
  [
    'not-pod',
    [
      `ct original ip daddr @cluster-ips ip saddr != 10.244.0.0/16 ${MASQUERADE}`,
      'ct original ip daddr @cluster-ips return',
    ],
  ],
  ['never', ['ct original ip daddr @cluster-ips return']],
])('ClusterIPs are masqueraded: %s', (clusterIpMasquerade, want) => {
  expect(base({ clusterIpMasquerade })['masquerading']?.slice(1, -2)).toEqual(want);
});

describe('NodePorts', () => {
  const all = (loopback: boolean) => ({ nodePortAddresses: { kind: 'all' as const, loopback } });

  test.each<[string, Partial<NodePlan>, IpFamily, string, readonly string[]]>([
    ['all addresses but loopback', all(false), 'IPv4', 'ip daddr != 127.0.0.0/8 fib daddr type local', []],
    ['loopback cannot be had', all(true), 'IPv4', 'ip daddr != 127.0.0.0/8 fib daddr type local', []],
    ['all, IPv6', all(false), 'IPv6', 'ip6 daddr != ::1 fib daddr type local', []],
    [
      'listed, without loopback',
      { nodePortAddresses: { kind: 'listed', addresses: [ip('127.0.0.1'), ip('192.168.0.1')], loopback: true } },
      'IPv4',
      'ip daddr @nodeport-ips',
      ['192.168.0.1'],
    ],
    [
      'none',
      { nodePortAddresses: { kind: 'listed', addresses: [], loopback: false } },
      'IPv6',
      'ip6 daddr @nodeport-ips',
      [],
    ],
  ])('%s', (_name, node, family, match, addresses) => {
    const found = base(node, family);
    expect(found['nat-prerouting']?.[2]).toBe(`${match} goto nodeports-in`);
    expect(found['nat-output']?.[1]).toBe(`${match} meta l4proto . th dport vmap @service-nodeports`);
    expect(found['filter-input']?.[1]).toBe(
      `ct state new ${match} meta l4proto . th dport @no-endpoints-nodeports reject`,
    );
    expect(found['nodeport-ips'] ?? []).toEqual(addresses);
  });
});

test('unknown ports are rejected and unallocated addresses dropped, on the way through and out (C5, C6)', () => {
  const found = base({ serviceCidrs: [cidr('10.96.0.0/16'), cidr('10.97.0.0/16')] });
  const want = [
    `ct state new ${TO_ADDRESS} @no-endpoints reject`,
    'ct state new ip daddr @cluster-ips reject',
    'ct state new ip daddr 10.96.0.0/16 drop',
    'ct state new ip daddr 10.97.0.0/16 drop',
  ];
  expect([found['filter-forward'], found['filter-output']]).toEqual([want, want]);
});

describe.each(['IPv4', 'IPv6'] as const)('every object in %s', (family) => {
  const { pieces, objects } = baseRules(planOf(family, []));

  test('has a shape', () => {
    for (const id of objects) {
      const { ordered, definition } = nftSpelling.shape(family, id);
      expect(ordered).toBe(id.startsWith('chain '));
      if (!ordered) expect(definition).toMatch(/^type(?:of)? [^;]+;( flags interval;)?$/);
    }
  });

  test('is declared once, and so are the objects that rules name', () => {
    expect([...new Set(objects)]).toEqual(objects);
    const text = pieces.flatMap(({ lines }) => lines).join('\n');
    const sets = [...text.matchAll(/@(\S+)/g)].map(([, name]) => `set ${name}`);
    const chains = [...text.matchAll(/(?:goto|jump) (\S+)/g)].map(([, name]) => `chain ${name}`);
    expect([...sets, ...chains].filter((id) => !objects.includes(id))).toEqual([]);
    expect(pieces.filter(({ object }) => !objects.includes(object))).toEqual([]);
  });

  test('knows no other family', () => {
    const shapes = objects.map((id) => nftSpelling.shape(family, id).definition);
    const text = [...shapes, ...pieces.flatMap(({ lines }) => lines)].join('\n');
    expect(text).not.toMatch(family === 'IPv4' ? /ip6|ipv6/ : /\bip (?:s|d)addr|ipv4/);
  });
});

test('client sets hold addresses of their family for a time', () => {
  expect(nftSpelling.shape('IPv4', 'set clients-x')).toEqual({
    ordered: true,
    definition: 'type ipv4_addr; size 65535; flags dynamic,timeout;',
  });
  expect(nftSpelling.shape('IPv6', 'set clients-x')).toEqual({
    ordered: true,
    definition: 'type ipv6_addr; size 65535; flags dynamic,timeout;',
  });
});
