import { describe, expect, test } from 'vitest';
import type { EncodedChange } from '../../../../src/backend/nft/encode.ts';
import {
  encodeChange,
  encodeRebuild,
  KUBE_PROXY_OBJECT,
  needsRebuild,
  NO_SLOTS,
} from '../../../../src/backend/nft/encode.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import { PersistentMap } from '../../../../src/base/persistent-map.ts';
import { chain, container, ruleSet } from '../../../support/rule-sets.ts';

type Objects = Parameters<typeof ruleSet>[0];

const VERDICTS = 'type ipv4_addr . inet_proto . inet_service : verdict;';
const POOL = 'typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport;';

function encode(
  before: Objects,
  after: Objects,
  slots: Readonly<Record<string, readonly string[]>> = {},
): EncodedChange {
  return encodeChange('IPv4', diffRuleSets(ruleSet(before), ruleSet(after)), PersistentMap.of(Object.entries(slots)));
}

/** One line per command; groups are separated by a blank line, transactions by dashes. */
function text({ prepare, groups, retire }: EncodedChange): string {
  const transactions = [prepare, groups, retire].map((transaction) =>
    transaction.map((group) => group.map((command) => command.replace(/\n */g, ' ')).join('\n')).join('\n\n'),
  );
  return transactions.filter((transaction) => transaction !== '').join('\n--\n');
}

describe('order of commands', () => {
  test('of a first write: declare, fill, rules, and what leads to endpoints last', () => {
    const after = {
      'chain hooked': chain(['vmap @service-ips'], 'type nat hook output priority -100; policy accept;'),
      'chain pick': chain(['dnat']),
      'set cluster-ips': container({ '10.0.0.1': [] }, 'type ipv4_addr;'),
      'set service-ips': container({ '10.0.0.1 . tcp . 80': [': goto pick'] }, VERDICTS),
      'set tcp-endpoints': container({ '10.0.0.1 . 80': ['10.1.0.1 . 8080', '10.1.0.2 . 8080'] }, POOL),
    };
    expect(text(encode({}, after))).toBe(`add table ip sluice
add chain ip sluice hooked { type nat hook output priority -100; policy accept; }
add chain ip sluice pick
add set ip sluice cluster-ips { type ipv4_addr; }
add map ip sluice service-ips { ${VERDICTS} }
add map ip sluice tcp-endpoints { ${POOL} }

add element ip sluice cluster-ips { 10.0.0.1 }

add element ip sluice tcp-endpoints { 10.0.0.1 . 80 . 0 : 10.1.0.1 . 8080, 10.0.0.1 . 80 . 1 : 10.1.0.2 . 8080 }

add rule ip sluice hooked vmap @service-ips
add rule ip sluice pick dnat

add element ip sluice service-ips { 10.0.0.1 . tcp . 80 : goto pick }`);
  });

  test('of a change: new chains first; flush, delete, replace, rules in one group; what is idle goes last', () => {
    const before = {
      'chain old': chain(['one']),
      'chain same': chain(['x']),
      'set clients-a': chain([], 'type ipv4_addr;'),
      'set service-ips': container({ a: [': goto old'], b: [': drop'] }, VERDICTS),
    };
    const after = {
      'chain new': chain(['two', 'three']),
      'chain same': chain(['y']),
      'set service-ips': container({ a: [': goto new'], c: [': drop'] }, VERDICTS),
    };
    const encoded = encode(before, after);
    expect(text(encoded)).toBe(`add table ip sluice
add chain ip sluice new

add rule ip sluice new two
add rule ip sluice new three
--
flush chain ip sluice old
flush chain ip sluice same
delete element ip sluice service-ips { a, b }
add element ip sluice service-ips { a : goto new }
add rule ip sluice same y

add element ip sluice service-ips { c : drop }`);
    expect(encoded.sweep).toEqual(['delete chain ip sluice old', 'delete set ip sluice clients-a']);
  });

  test('of nothing is nothing', () => {
    expect(encode({}, {})).toEqual({ prepare: [], groups: [], retire: [], sweep: [], slots: NO_SLOTS });
  });
});

describe('pools', () => {
  const pool = (...endpoints: string[]) => ({ 'set tcp-endpoints': container({ k: endpoints }, POOL) });
  const known = (...slots: string[]) => ({ 'set tcp-endpoints k': slots });

  test.each<[string, readonly string[], readonly string[], readonly string[], string]>([
    ['one more', ['a'], ['a', 'b'], ['a'], 'add element ip sluice tcp-endpoints { k . 1 : b }'],
    [
      'one less, where the kernel has them in another order',
      ['a', 'b', 'c'],
      ['a', 'c'],
      ['b', 'c', 'a'],
      'delete element ip sluice tcp-endpoints { k . 0 }\nadd element ip sluice tcp-endpoints { k . 0 : a }\n--\ndelete element ip sluice tcp-endpoints { k . 2 }',
    ],
    ['all go', ['a', 'b'], [], ['b', 'a'], 'delete element ip sluice tcp-endpoints { k . 0, k . 1 }'],
  ])('%s', (_name, before, after, slots, want) => {
    expect(text(encode(pool(...before), pool(...after), known(...slots)))).toBe(want);
  });

  test('the order of the rule set stands in for slots that nobody knows', () => {
    expect(text(encode(pool('a', 'b'), pool('b')))).toBe(
      'delete element ip sluice tcp-endpoints { k . 0 }\nadd element ip sluice tcp-endpoints { k . 0 : b }\n--\ndelete element ip sluice tcp-endpoints { k . 1 }',
    );
  });

  test('a member that goes leaves no slots behind', () => {
    const none = { 'set tcp-endpoints': container({}, POOL) };
    const { slots } = encode(pool('a'), none, { ...known('a'), 'set tcp-endpoints other': ['z'] });
    expect([...slots]).toEqual([['set tcp-endpoints other', ['z']]]);
  });
});

test('elements come in commands of a limited size', () => {
  const members = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`10.0.${i >> 8}.${i & 255}`, []]));
  const { groups } = encode({}, { 'set cluster-ips': container(members, 'type ipv4_addr;') });
  expect(groups.map((group) => group.length)).toEqual([2, 1, 1, 1]);
  const counts = groups.slice(1).map(([command = '']) => command.split(',').length);
  expect(counts).toEqual([1000, 1000, 500]);
});

describe('taking over kube-proxy', () => {
  test('its table goes once ours is there', () => {
    const before = ruleSet({ [KUBE_PROXY_OBJECT]: chain([]) });
    const encoded = encodeChange('IPv6', diffRuleSets(before, NO_RULES), NO_SLOTS);
    expect(encoded.retire).toEqual([['delete table ip6 kube-proxy']]);
    expect(encoded.groups).toEqual([]);
    expect(encoded.sweep).toEqual([]);
  });

  test('it is never made', () => {
    expect(encode({}, { [KUBE_PROXY_OBJECT]: chain([]) }).groups).toEqual([]);
  });
});

describe('an object that is declared differently', () => {
  test.each<[string, Objects, Objects]>([
    ['another type', { 'set s': container({}, 'type a;') }, { 'set s': container({}, 'type b;') }],
    ['another hook', { 'chain c': chain([], 'hook a') }, { 'chain c': chain([], 'hook b') }],
    ['a chain that should be a set', { 'set s': chain([], 'type a;') }, { 'set s': container({}, 'type a;') }],
  ])('%s needs a rebuild', (_name, before, after) => {
    expect(needsRebuild(encode(before, after))).toBe(true);
  });

  test('nothing else does', () => {
    expect(needsRebuild(encode({}, {}))).toBe(false);
    expect(needsRebuild(encode({ 'chain c': chain(['a']) }, { 'chain d': chain(['a'], 'hook') }))).toBe(false);
  });

  test('a rebuild replaces the table first of all', () => {
    const rules = ruleSet({ 'chain c': chain(['drop']) });
    const change = diffRuleSets(ruleSet({ [KUBE_PROXY_OBJECT]: chain([]), 'set old': container({}) }), rules);
    expect(text(encodeRebuild('IPv6', rules, change))).toBe(`add table ip6 sluice
delete table ip6 sluice

add table ip6 sluice
add chain ip6 sluice c

add rule ip6 sluice c drop
--
delete table ip6 kube-proxy`);
  });
});
