import { describe, expect, test } from 'vitest';
import { encodeChange } from '../../../../src/backend/xtables/encode.ts';
import { chainsHeldByOthers, parseSave } from '../../../../src/backend/iptables/parse.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import { KUBE_PROXY_RULES, KUBELET_RULES } from '../../../support/kube-proxy-rules.ts';

function chainsOf(text: string): Record<string, readonly string[]> {
  return Object.fromEntries([...parseSave(text)].map(([id, object]) => [id, object.ordered ? object.lines : []]));
}

describe('what iptables-save prints', () => {
  test('kube-proxy’s rules are ours, kubelet’s are not', () => {
    const chains = chainsOf(KUBELET_RULES + KUBE_PROXY_RULES);
    expect(Object.keys(chains)).toContain('mangle KUBE-PROXY-CANARY');
    expect(Object.keys(chains)).toContain('nat KUBE-SEP-CCCCCCCCCCCCCCCC');
    expect(Object.keys(chains).join()).not.toMatch(/KUBE-FIREWALL|KUBELET|HINT/);
    expect(chains['filter INPUT']).toHaveLength(3);
    expect(chains['nat POSTROUTING']).toEqual([
      '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    ]);
    expect(chains['filter KUBE-NODEPORTS']).toEqual([]);
  });

  test('a jump written twice is seen twice', () => {
    expect(chainsOf('*nat\n-A OUTPUT -j KUBE-SERVICES\n-A OUTPUT -g KUBE-SERVICES\nCOMMIT\n')).toEqual({
      'nat OUTPUT': ['-j KUBE-SERVICES', '-g KUBE-SERVICES'],
    });
  });

  test.each([
    ['a foreign chain', ':CNI-X - [0:0]\n-A CNI-X -j KUBE-SERVICES'],
    ['a rule that only mentions ours', '-A OUTPUT -m comment --comment "-j KUBE-SERVICES" -j ACCEPT'],
    ['a policy', ':PREROUTING ACCEPT [0:0]'],
    ['a jump to kubelet’s chain', '-A OUTPUT -j KUBE-FIREWALL'],
    ['a warning', '# Warning: iptables-legacy tables present, use iptables-legacy-save to see them'],
  ])('%s is not seen', (_title, lines) => {
    expect(chainsOf(`*nat\n${lines}\nCOMMIT\n`)).toEqual({});
  });

  test('tables that we do not use are not seen', () => {
    expect(chainsOf('*raw\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n')).toEqual({});
  });

  test('counters and numeric protocols are evened out', () => {
    const text = '*nat\n:KUBE-SERVICES - [3:180]\n[3:180] -A KUBE-SERVICES -d 10.0.0.1/32 -p 132 -j RETURN\nCOMMIT\n';
    expect(chainsOf(text)).toEqual({ 'nat KUBE-SERVICES': ['-d 10.0.0.1/32 -p sctp -j RETURN'] });
  });

  test('a rule without match and target', () => {
    expect(chainsOf('*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES\nCOMMIT\n')).toEqual({ 'nat KUBE-SERVICES': [''] });
  });

  test('nothing at all', () => {
    expect(chainsOf('')).toEqual({});
  });
});

describe('chains that others jump to', () => {
  const save = `*nat
:PREROUTING ACCEPT [0:0]
:CNI-HOSTPORT - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
[3:4] -A CNI-HOSTPORT -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SERVICES -j KUBE-MARK-MASQ
COMMIT
`;

  test('are those with a jump from a chain that is neither ours nor built in', () => {
    expect([...chainsHeldByOthers(save)]).toEqual(['nat KUBE-MARK-MASQ']);
  });

  test('are emptied and not removed', () => {
    const removal = diffRuleSets(parseSave(save), NO_RULES);
    const text = encodeChange(removal, chainsHeldByOthers(save));
    expect(text).toContain(':KUBE-MARK-MASQ - [0:0]');
    expect(text).not.toContain('-X KUBE-MARK-MASQ');
    expect(text).toContain('-X KUBE-SERVICES');
    expect(encodeChange(removal)).toContain('-X KUBE-MARK-MASQ');
  });
});
