import { describe, expect, test } from 'vitest';
import { comment, notPodMatch, oneOf, podMatch, rule } from '../../../../src/backend/xtables/text.ts';
import { cidr } from '../../../support/plans.ts';

describe('a rule', () => {
  test('puts its head in the order of iptables-save, negations in front', () => {
    const head = { protocol: 'tcp', inInterface: '! cni0', destination: '10.96.0.1/32', source: '! 10.244.0.0/16' };
    expect(rule(head, '-m tcp --dport 80', '', '-j X')).toBe(
      '! -s 10.244.0.0/16 -d 10.96.0.1/32 ! -i cni0 -p tcp -m tcp --dport 80 -j X',
    );
  });

  test('may have no head', () => {
    expect(rule({}, '-j X')).toBe('-j X');
  });
});

describe('a comment', () => {
  test('stays inside its quotes, whatever it says', () => {
    expect(comment('a/b:c "x"\n-j ACCEPT \\ é')).toBe('-m comment --comment "a/b:c _x__-j ACCEPT _ _"');
  });

  test('is cut where the kernel would refuse it', () => {
    expect(comment('x'.repeat(300))).toBe(`-m comment --comment "${'x'.repeat(255)}"`);
  });
});

describe('one of n, as the kernel rounds and iptables prints', () => {
  test.each([
    [2, '0.50000000000'],
    [3, '0.33333333349'],
    [4, '0.25000000000'],
    [7, '0.14285714272'],
    [4096, '0.00024414062'],
  ])('n = %i', (n, probability) => {
    expect(oneOf(n)).toBe(`-m statistic --mode random --probability ${probability}`);
  });

  test('the last one needs no match', () => {
    expect(oneOf(1)).toBe('');
  });
});

describe('pods and others', () => {
  test.each([
    [
      'a network',
      { kind: 'cidr', cidr: cidr('10.244.0.0/16') },
      { source: '10.244.0.0/16' },
      { source: '! 10.244.0.0/16' },
    ],
    ['a bridge', { kind: 'bridge', interfaceName: 'cni0' }, { inInterface: 'cni0' }, { inInterface: '! cni0' }],
    ['a prefix', { kind: 'interface-prefix', prefix: 'cali' }, { inInterface: 'cali+' }, { inInterface: '! cali+' }],
    ['everything', { kind: 'cidr', cidr: cidr('0.0.0.0/0') }, {}, undefined],
  ] as const)('%s', (_title, detector, pods, others) => {
    expect(podMatch(detector)).toEqual(pods);
    expect(notPodMatch(detector)).toEqual(others);
  });
});
