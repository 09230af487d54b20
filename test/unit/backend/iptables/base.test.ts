import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { iptablesSpelling } from '../../../../src/backend/iptables/render.ts';
import type { NodePlan } from '../../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import { ip, nodePlan, planOf } from '../../../support/plans.ts';

const SETTINGS = { masqueradeBit: 14, conntrackBeLiberal: false };

function chainsOf(
  family: IpFamily,
  node: Partial<NodePlan> = {},
  settings = SETTINGS,
): Record<string, readonly string[]> {
  const { rules } = assemble(iptablesSpelling(settings), planOf(family, [], nodePlan(family, node)));
  return Object.fromEntries([...rules].map(([id, object]) => [id, object.ordered ? object.lines : []]));
}

const LOCAL = '-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS';
const NODE_PORTS =
  '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"';

describe('rules that are there without Services', () => {
  test('jumps in the order of kube-proxy', () => {
    const chains = chainsOf('IPv4');
    const targets = (id: string): (string | undefined)[] =>
      (chains[id] ?? []).map((line) => line.split(' -j ')[1] ?? line);
    expect(targets('filter INPUT')).toEqual([
      '-j KUBE-PROXY-LOCALNET',
      'KUBE-PROXY-FIREWALL',
      'KUBE-NODEPORTS',
      'KUBE-EXTERNAL-SERVICES',
    ]);
    expect(targets('filter FORWARD')).toEqual([
      'KUBE-PROXY-FIREWALL',
      'KUBE-FORWARD',
      'KUBE-SERVICES',
      'KUBE-EXTERNAL-SERVICES',
    ]);
    expect(targets('filter OUTPUT')).toEqual(['-j KUBE-PROXY-LOCALNET', 'KUBE-PROXY-FIREWALL', 'KUBE-SERVICES']);
    expect(chains['nat PREROUTING']).toEqual(['-m comment --comment "kubernetes service portals" -j KUBE-SERVICES']);
    expect(chains['nat OUTPUT']).toEqual(chains['nat PREROUTING']);
    expect(chains['nat POSTROUTING']).toEqual([
      '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    ]);
    expect(chains['filter FORWARD']).toContain(
      '-m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    );
  });

  test('a marked packet is masqueraded and loses its mark', () => {
    const chains = chainsOf('IPv4');
    expect(chains['nat KUBE-MARK-MASQ']).toEqual(['-j MARK --set-xmark 0x4000/0x4000']);
    expect(chains['nat KUBE-POSTROUTING']).toEqual([
      '-m comment --comment "connections of an endpoint to itself" -m conntrack --ctstate DNAT -j KUBE-SEP-HAIRPIN',
      '-m mark ! --mark 0x4000/0x4000 -j RETURN',
      '-j MARK --set-xmark 0x4000/0x0',
      '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
    ]);
  });

  test.each([
    [0, '0x1'],
    [31, '0x80000000'],
  ])('the mark is bit %i', (masqueradeBit, mark) => {
    const chains = chainsOf('IPv6', {}, { ...SETTINGS, masqueradeBit });
    expect(chains['nat KUBE-MARK-MASQ']).toEqual([`-j MARK --set-xmark ${mark}/${mark}`]);
    expect(chains['nat KUBE-POSTROUTING']).toContain(`-j MARK --set-xmark ${mark}/0x0`);
  });

  test('forwarding: INVALID packets are dropped unless conntrack is liberal', () => {
    const accept = [
      '-m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
      '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    ];
    expect(chainsOf('IPv4')['filter KUBE-FORWARD']).toEqual(['-m conntrack --ctstate INVALID -j DROP', ...accept]);
    const liberal = chainsOf('IPv4', {}, { ...SETTINGS, conntrackBeLiberal: true });
    expect(liberal['filter KUBE-FORWARD']).toEqual(accept);
  });

  test('chains that Services fill are there, empty', () => {
    const chains = chainsOf('IPv6');
    const empty = Object.entries(chains).filter(([, lines]) => lines.length === 0);
    expect(empty.map(([id]) => id).toSorted()).toEqual([
      'filter KUBE-EXTERNAL-SERVICES',
      'filter KUBE-NODEPORTS',
      'filter KUBE-PROXY-FIREWALL',
      'filter KUBE-SERVICES',
      'nat KUBE-NODEPORTS',
      'nat KUBE-SEP-HAIRPIN',
    ]);
  });
});

describe('node ports on 127.0.0.1', () => {
  test('come with a guard against neighbours who use that address', () => {
    expect(chainsOf('IPv4')['filter KUBE-PROXY-LOCALNET']).toEqual([
      '! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
    ]);
  });

  test.each([
    ['IPv4', false],
    ['IPv6', true],
  ] as const)('%s, loopback %s: no guard', (family, loopback) => {
    const chains = chainsOf(family, { nodePortAddresses: { kind: 'all', loopback } });
    expect(chains['filter KUBE-PROXY-LOCALNET']).toBeUndefined();
    expect(chains['filter INPUT']?.join()).not.toContain('LOCALNET');
  });
});

const COUNTER = '-d 127.0.0.0/8 -m comment --comment "counts packets to NodePorts on localhost"';

describe('addresses that serve node ports', () => {
  const listed = (family: IpFamily): NodePlan['nodePortAddresses'] => ({
    kind: 'listed',
    addresses: family === 'IPv4' ? [ip('192.0.2.9'), ip('192.0.2.10')] : [ip('2001:db8::9')],
    loopback: true,
  });
  test.each<[string, IpFamily, NodePlan['nodePortAddresses'], string[]]>([
    ['all, with loopback', 'IPv4', { kind: 'all', loopback: true }, [COUNTER, `${NODE_PORTS} ${LOCAL}`, COUNTER]],
    ['all', 'IPv4', { kind: 'all', loopback: false }, [`! -d 127.0.0.0/8 ${NODE_PORTS} ${LOCAL}`]],
    ['all', 'IPv6', { kind: 'all', loopback: true }, [`! -d ::1/128 ${NODE_PORTS} ${LOCAL}`]],
    [
      'listed, with loopback',
      'IPv4',
      listed('IPv4'),
      [
        COUNTER,
        ...['127.0.0.1', '192.0.2.10', '192.0.2.9'].map((host) => `-d ${host}/32 ${NODE_PORTS} -j KUBE-NODEPORTS`),
        COUNTER,
      ],
    ],
    ['listed', 'IPv6', listed('IPv6'), [`-d 2001:db8::9/128 ${NODE_PORTS} -j KUBE-NODEPORTS`]],
    ['none', 'IPv4', { kind: 'listed', addresses: [], loopback: false }, []],
  ])('%s, %s', (_title, family, nodePortAddresses, lines) => {
    expect(chainsOf(family, { nodePortAddresses })['nat KUBE-SERVICES']).toEqual(lines);
  });
});
