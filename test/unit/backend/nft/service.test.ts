import { describe, expect, test } from 'vitest';
import { nftDuration, serviceRules } from '../../../../src/backend/nft/service.ts';
import type { NodePlan } from '../../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

const REMOTE = target('10.244.2.1', 8080);
const HERE = target('10.244.1.1', 8080, true);

/** Pieces as `object | key | lines`, without the kind of the object; each once. */
function spell(
  parts: Partial<ServiceSketch>,
  family: IpFamily = 'IPv4',
  node: Partial<NodePlan> = {},
): readonly string[] {
  const plan = nodePlan(family, node);
  const service = servicePlan(sketch(family, parts), plan);
  const pieces = serviceRules(service, planOf(family, [service], plan));
  const lines = pieces.map(({ object, key, lines: text }) => [object.replace(/^\w+ /, ''), key, ...text].join(' | '));
  return [...new Set(lines)];
}

/** A ClusterIP with one endpoint elsewhere, which every Service of these tests has. */
const CLUSTER_IP = [
  'cluster-ips | 10.96.0.1',
  'service-ips | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP" : goto tcp-cluster-1',
  'tcp-cluster-1 |  | dnat ip to ip daddr . tcp dport . numgen random mod 1 map @tcp-endpoints',
  'tcp-endpoints | 10.96.0.1 . 80 | 10.244.2.1 . 8080',
];

describe('a ClusterIP', () => {
  test.each<[string, Partial<ServiceSketch>, readonly string[]]>([
    ['with endpoints', { targets: [REMOTE] }, CLUSTER_IP],
    [
      'with two endpoints, one of them here',
      { targets: [REMOTE, HERE] },
      [
        'cluster-ips | 10.96.0.1',
        'service-ips | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP" : goto tcp-cluster-2',
        'tcp-cluster-2 |  | dnat ip to ip daddr . tcp dport . numgen random mod 2 map @tcp-endpoints',
        'tcp-endpoints | 10.96.0.1 . 80 | 10.244.1.1 . 8080 | 10.244.2.1 . 8080',
        'hairpin | 10.244.1.1 . 10.244.1.1',
      ],
    ],
    [
      'without endpoints',
      {},
      ['cluster-ips | 10.96.0.1', 'no-endpoints | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP"'],
    ],
    [
      'with policy Local',
      { targets: [REMOTE, HERE], internalTrafficPolicy: 'Local', protocol: 'udp' },
      [
        'cluster-ips | 10.96.0.1',
        'service-ips | 10.96.0.1 . udp . 80 | comment "default/web:http cluster IP" : goto udp-local-1',
        'udp-local-1 |  | dnat ip to ip daddr . udp dport . numgen random mod 1 map @udp-endpoints-local',
        'udp-endpoints-local | 10.96.0.1 . 80 | 10.244.1.1 . 8080',
        'hairpin | 10.244.1.1 . 10.244.1.1',
      ],
    ],
    [
      'with policy Local and no endpoint here',
      { targets: [REMOTE], internalTrafficPolicy: 'Local' },
      ['cluster-ips | 10.96.0.1', 'service-ips | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP" : drop'],
    ],
  ])('%s', (_name, parts, want) => {
    expect(spell(parts)).toEqual(want);
  });
});

test('a large pool has a few slots more than endpoints, and picks until it finds one', () => {
  const targets = Array.from({ length: 65 }, (_, i) => target(`10.244.9.${i + 1}`, 8080));
  const lines = spell({ targets });
  expect(lines).toContain(
    'service-ips | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP" : goto tcp-cluster-68',
  );
  const pick = (slots: number) => `dnat ip to ip daddr . tcp dport . numgen random mod ${slots} map @tcp-endpoints`;
  expect(lines).toContain(['tcp-cluster-68', '', ...Array<string>(6).fill(pick(68)), pick(1)].join(' | '));
});

describe('external destinations', () => {
  const vip = ip('192.0.2.1');
  const address = (kind: string, verdict: string, set = 'service-ips') =>
    `${set} | 192.0.2.1 . tcp . 80 | comment "default/web:http ${kind}" : ${verdict}`;
  const pool = 'tcp-endpoints | 192.0.2.1 . 80 | 10.244.2.1 . 8080';

  test.each<[string, Partial<ServiceSketch>, readonly string[]]>([
    [
      'an external IP',
      { externalIps: [vip] },
      [
        address('external IP', 'goto tcp-cluster-1'),
        'masquerade-ips | 192.0.2.1 . tcp . 80 | : goto masquerade-always',
        pool,
      ],
    ],
    [
      'a load balancer with source ranges',
      { loadBalancerIps: [vip], allowedSources: [cidr('10.0.0.0/8'), cidr('203.0.113.7/32')] },
      [
        'firewalled | 192.0.2.1 . tcp . 80',
        'allowed-sources | 192.0.2.1 . tcp . 80 . 10.0.0.0/8',
        'allowed-sources | 192.0.2.1 . tcp . 80 . 203.0.113.7',
        address('loadbalancer IP', 'goto tcp-cluster-1'),
        'masquerade-ips | 192.0.2.1 . tcp . 80 | : goto masquerade-always',
        pool,
      ],
    ],
    [
      'policy Local without an endpoint here',
      { externalIps: [vip], externalTrafficPolicy: 'Local' },
      [
        address('external IP', 'goto tcp-cluster-1'),
        address('external IP', 'drop', 'service-ips-outside'),
        'masquerade-ips | 192.0.2.1 . tcp . 80 | : goto masquerade-node',
        pool,
      ],
    ],
    [
      'a NodePort',
      { nodePort: 30_001 },
      [
        'service-nodeports | tcp . 30001 | comment "default/web:http node port" : goto tcp-nodeport-cluster-1',
        'masquerade-nodeports | tcp . 30001 | : goto masquerade-always',
        'tcp-nodeport-cluster-1 |  | dnat ip to tcp dport . numgen random mod 1 map @tcp-nodeport-endpoints',
        'tcp-nodeport-endpoints | 30001 | 10.244.2.1 . 8080',
      ],
    ],
  ])('%s', (_name, parts, want) => {
    expect(spell({ targets: [REMOTE], ...parts })).toEqual([...CLUSTER_IP, ...want]);
  });

  test('a NodePort with policy Local and an endpoint here', () => {
    expect(spell({ targets: [REMOTE, HERE], nodePort: 30_001, externalTrafficPolicy: 'Local' }).slice(4, -1)).toEqual([
      'service-nodeports | tcp . 30001 | comment "default/web:http node port" : goto tcp-nodeport-cluster-2',
      'service-nodeports-outside | tcp . 30001 | comment "default/web:http node port" : goto tcp-nodeport-local-1',
      'masquerade-nodeports | tcp . 30001 | : goto masquerade-node',
      'tcp-nodeport-cluster-2 |  | dnat ip to tcp dport . numgen random mod 2 map @tcp-nodeport-endpoints',
      'tcp-nodeport-endpoints | 30001 | 10.244.1.1 . 8080 | 10.244.2.1 . 8080',
      'tcp-nodeport-local-1 |  | dnat ip to tcp dport . numgen random mod 1 map @tcp-nodeport-endpoints-local',
      'tcp-nodeport-endpoints-local | 30001 | 10.244.1.1 . 8080',
    ]);
  });

  test('without endpoints all are rejected, and source ranges stay', () => {
    const parts = { loadBalancerIps: [vip], allowedSources: [cidr('10.0.0.0/8')], nodePort: 30_001 };
    expect(spell(parts)).toEqual([
      'cluster-ips | 10.96.0.1',
      'no-endpoints | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP"',
      'firewalled | 192.0.2.1 . tcp . 80',
      'allowed-sources | 192.0.2.1 . tcp . 80 . 10.0.0.0/8',
      'no-endpoints | 192.0.2.1 . tcp . 80 | comment "default/web:http loadbalancer IP"',
      'no-endpoints-nodeports | tcp . 30001 | comment "default/web:http node port"',
    ]);
  });

  test('in IPv6', () => {
    const parts = {
      targets: [target('fd00:244::1', 80)],
      loadBalancerIps: [ip('2001:db8::1')],
      protocol: 'sctp' as const,
    };
    expect(spell({ ...parts, allowedSources: [cidr('2001:db8:77::7/128')] }, 'IPv6')).toEqual([
      'cluster-ips | fd00:96::1',
      'service-ips | fd00:96::1 . sctp . 80 | comment "default/web:http cluster IP" : goto sctp-cluster-1',
      'sctp-cluster-1 |  | dnat ip6 to ip6 daddr . sctp dport . numgen random mod 1 map @sctp-endpoints',
      'sctp-endpoints | fd00:96::1 . 80 | fd00:244::1 . 80',
      'firewalled | 2001:db8::1 . sctp . 80',
      'allowed-sources | 2001:db8::1 . sctp . 80 . 2001:db8:77::7',
      'service-ips | 2001:db8::1 . sctp . 80 | comment "default/web:http loadbalancer IP" : goto sctp-cluster-1',
      'masquerade-ips | 2001:db8::1 . sctp . 80 | : goto masquerade-always',
      'sctp-endpoints | 2001:db8::1 . 80 | fd00:244::1 . 80',
    ]);
  });
});

describe('session affinity', () => {
  /** Replaces hashes by letters in the order of their appearance. */
  function readable(lines: readonly string[]): readonly string[] {
    const letters = new Map<string, string>();
    return lines.map((line) =>
      line.replace(/(?<=(?:clients|endpoint|affinity-\w+)-)[a-z2-7]{16}/g, (hash) => {
        letters.set(hash, letters.get(hash) ?? String.fromCharCode('A'.charCodeAt(0) + letters.size));
        return letters.get(hash) ?? '';
      }),
    );
  }

  test('has a chain per pool, and a chain and a set of clients per endpoint that the pools share (A1, A7)', () => {
    const parts = {
      targets: [REMOTE, HERE],
      affinityTimeoutS: 10_800,
      nodePort: 30_001,
      externalTrafficPolicy: 'Local' as const,
    };
    expect(readable(spell(parts))).toEqual([
      'cluster-ips | 10.96.0.1',
      'service-ips | 10.96.0.1 . tcp . 80 | comment "default/web:http cluster IP" : goto affinity-cluster-A',
      'service-nodeports | tcp . 30001 | comment "default/web:http node port" : goto affinity-cluster-A',
      'service-nodeports-outside | tcp . 30001 | comment "default/web:http node port" : goto affinity-local-A',
      'masquerade-nodeports | tcp . 30001 | : goto masquerade-node',
      'affinity-cluster-A | 00000 | ip saddr @clients-B goto endpoint-B',
      'affinity-cluster-A | 00001 | ip saddr @clients-C goto endpoint-C',
      'affinity-cluster-A | 00002 | numgen random mod 2 vmap { 0 : goto endpoint-B, 1 : goto endpoint-C }',
      'affinity-local-A | 00000 | ip saddr @clients-B goto endpoint-B',
      'affinity-local-A | 00001 | numgen random mod 1 vmap { 0 : goto endpoint-B }',
      'clients-B | ',
      'endpoint-B |  | update @clients-B { ip saddr timeout 3h } | meta l4proto tcp dnat to 10.244.1.1:8080',
      'clients-C | ',
      'endpoint-C |  | update @clients-C { ip saddr timeout 3h } | meta l4proto tcp dnat to 10.244.2.1:8080',
      'hairpin | 10.244.1.1 . 10.244.1.1',
    ]);
  });

  test('in IPv6', () => {
    const parts = { targets: [target('fd00:244::1', 80)], affinityTimeoutS: 60, protocol: 'udp' as const };
    expect(readable(spell(parts, 'IPv6')).slice(2)).toEqual([
      'affinity-cluster-A | 00000 | ip6 saddr @clients-B goto endpoint-B',
      'affinity-cluster-A | 00001 | numgen random mod 1 vmap { 0 : goto endpoint-B }',
      'clients-B | ',
      'endpoint-B |  | update @clients-B { ip6 saddr timeout 1m } | meta l4proto udp dnat to [fd00:244::1]:80',
    ]);
  });

  test('without endpoints has nothing to remember', () => {
    expect(spell({ affinityTimeoutS: 60 })).toEqual(spell({}));
  });

  test('is not shared by service ports (A1)', () => {
    const chainsOf = (name: string) =>
      spell({ name, targets: [REMOTE], affinityTimeoutS: 60 }).filter((line) =>
        /^(?:clients|endpoint|affinity)/.test(line),
      );
    const [one, other] = [new Set(chainsOf('default/web:http')), chainsOf('default/web:https')];
    expect(other.filter((line) => one.has(line))).toEqual([]);
  });
});

test('a comment never gets longer than the kernel keeps', () => {
  const label = 'x'.repeat(63);
  for (const parts of [{ targets: [REMOTE] }, {}]) {
    const lines = spell({ name: `${label}/${label}:${label}`, ...parts });
    const comment = /comment "([^"]*)"/.exec(lines.join('\n'))?.[1] ?? '';
    expect(comment).toHaveLength(120);
    expect(comment.endsWith(' cluster IP')).toBe(true);
  }
});

test.each([
  [0, '0s'],
  [1, '1s'],
  [59, '59s'],
  [60, '1m'],
  [3600, '1h'],
  [10_800, '3h'],
  [86_400, '1d'],
  [90_061, '1d1h1m1s'],
  [86_399, '23h59m59s'],
])('%i s are spelled %s', (seconds, text) => {
  expect(nftDuration(seconds)).toBe(text);
});
