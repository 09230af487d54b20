import { describe, expect, test } from 'vitest';
import { parseTable } from '../../../../src/backend/nft/parse.ts';
import { plainRules } from '../../../support/rule-sets.ts';

/** The rules of a table that holds this, indented by two blanks per tab. */
function parse(body: string) {
  const tabs = body.replace(/^( {2})+/gm, (blanks) => '\t'.repeat(blanks.length / 2));
  const { rules, slots } = parseTable(`table ip sluice {\n${tabs}\n}\n`);
  return { rules: plainRules(rules), slots: Object.fromEntries(slots) };
}

test.each([
  ['nothing at all', ''],
  ['an empty table', 'table ip sluice {\n}\n'],
])('%s has no rules', (_name, listing) => {
  const { rules, slots } = parseTable(listing);
  expect([rules.size, slots.size]).toEqual([0, 0]);
});

describe('chains', () => {
  test.each([
    ['prerouting priority dstnat', 'prerouting priority -100'],
    ['prerouting priority dstnat - 10', 'prerouting priority -110'],
    ['prerouting priority dstnat + 5', 'prerouting priority -95'],
    ['output priority -100', 'output priority -100'],
    ['output priority -110', 'output priority -110'],
    ['input priority filter', 'input priority 0'],
    ['input priority 0', 'input priority 0'],
    ['input priority filter + 10', 'input priority 10'],
    ['postrouting priority srcnat', 'postrouting priority 100'],
    ['postrouting priority 100', 'postrouting priority 100'],
    ['prerouting priority raw', 'prerouting priority -300'],
    ['prerouting priority mangle', 'prerouting priority -150'],
    ['forward priority security', 'forward priority 50'],
  ])('hook %s is %s', (printed, definition) => {
    expect(parse(`  chain c {\n    type nat hook ${printed}; policy accept;\n    drop\n  }`).rules).toEqual({
      'chain c': { definition: `type nat hook ${definition}; policy accept;`, lines: ['drop'] },
    });
  });

  test('without a hook, and without rules', () => {
    expect(parse('  chain a {\n    ip daddr 10.0.0.1 drop\n    return\n  }\n\n  chain b {\n  }').rules).toEqual({
      'chain a': { definition: '', lines: ['ip daddr 10.0.0.1 drop', 'return'] },
      'chain b': { definition: '', lines: [] },
    });
  });

  test('protocols are named where nft has no names for them', () => {
    const rules = ['meta l4proto { 6, 17, 132 } ct original ip daddr @x', 'meta l4proto 17 dnat to 10.0.0.1:80'];
    expect(parse(`  chain c {\n    ${rules.join('\n    ')}\n  }`).rules).toEqual({
      'chain c': {
        definition: '',
        lines: ['meta l4proto { tcp, udp, sctp } ct original ip daddr @x', 'meta l4proto udp dnat to 10.0.0.1:80'],
      },
    });
  });
});

describe('sets and maps', () => {
  test('with comments, data and line breaks', () => {
    const listing = `  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.1 . tcp . 80 comment "default/web:http cluster IP" : goto tcp-cluster-3,
           10.96.0.1 . 17 . 53 comment "a, b" : drop,
           10.96.0.2 . 132 . 80 : goto x }
  }`;
    expect(parse(listing).rules).toEqual({
      'set service-ips': {
        definition: 'type ipv4_addr . inet_proto . inet_service : verdict;',
        members: {
          '10.96.0.1 . tcp . 80': ['comment "default/web:http cluster IP" : goto tcp-cluster-3'],
          '10.96.0.1 . udp . 53': ['comment "a, b" : drop'],
          '10.96.0.2 . sctp . 80': [': goto x'],
        },
      },
    });
  });

  test('without elements, with flags', () => {
    const listing =
      '  set allowed-sources {\n    type ipv4_addr . inet_proto . inet_service . ipv4_addr\n    flags interval\n  }';
    expect(parse(listing).rules).toEqual({
      'set allowed-sources': {
        definition: 'type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval;',
        members: {},
      },
    });
  });

  test('elements without data, several in a line', () => {
    const listing =
      '  set no-endpoints-nodeports {\n    type inet_proto . inet_service\n    elements = { tcp . 30001, 17 . 30002 comment "x" }\n  }';
    expect(parse(listing).rules['set no-endpoints-nodeports']).toMatchObject({
      members: { 'tcp . 30001': [], 'udp . 30002': ['comment "x"'] },
    });
  });

  test('IPv6 addresses', () => {
    const listing = `  set hairpin {
    type ipv6_addr . ipv6_addr
    elements = { fd00:244::1 . fd00:244::1,
           ::1 . ::1 }
  }`;
    expect(parse(listing).rules['set hairpin']).toMatchObject({
      members: { 'fd00:244::1 . fd00:244::1': [], '::1 . ::1': [] },
    });
  });

  test('what else nft says of a set is left out', () => {
    const listing = '  set x {\n    type ipv4_addr\n    comment "by hand"\n    elements = { 10.0.0.1 }\n  }';
    expect(parse(listing).rules['set x']).toEqual({ definition: 'type ipv4_addr;', members: { '10.0.0.1': [] } });
  });

  test('clients are not ours to remember', () => {
    const listing = `  set clients-abc {
    type ipv4_addr
    size 65535
    flags dynamic,timeout
    elements = { 10.0.0.1 timeout 3h expires 2h59m50s512ms, 10.0.0.2 timeout 3h expires 1s }
  }`;
    expect(parse(listing).rules).toEqual({
      'set clients-abc': { definition: 'type ipv4_addr; size 65535; flags dynamic,timeout;', lines: [] },
    });
  });
});

describe('pools', () => {
  const pool = (...elements: string[]) =>
    parse(`  map tcp-endpoints {
    typeof ip daddr . tcp dport . numgen random mod 65536 : ip daddr . tcp dport
    elements = { ${elements.join(',\n           ')} }
  }`);

  test('are gathered over their slots', () => {
    const { rules, slots } = pool(
      '10.96.0.1 . 80 . 1 : 10.1.0.1 . 8080',
      '10.96.0.2 . 80 . 0 : 10.1.0.9 . 80',
      '10.96.0.1 . 80 . 0 : 10.1.0.2 . 8080',
    );
    expect(rules['set tcp-endpoints']).toMatchObject({
      members: { '10.96.0.1 . 80': ['10.1.0.1 . 8080', '10.1.0.2 . 8080'], '10.96.0.2 . 80': ['10.1.0.9 . 80'] },
    });
    // The other one has its only endpoint where the rule set has it.
    expect(slots).toEqual({
      'set tcp-endpoints 10.96.0.1 . 80': ['10.1.0.2 . 8080', '10.1.0.1 . 8080'],
    });
  });

  test('a slot of a large pool may be empty, as long as it is not the first', () => {
    const full = Array.from({ length: 34 }, (_, i) => `k . 80 . ${i} : e${10 + i} . 1`);
    const endpoints = (empty: number) => {
      const { rules } = pool(...full.filter((_, i) => i !== empty));
      return (rules['set tcp-endpoints'] as { members: Record<string, string[]> }).members['k . 80'] ?? [];
    };
    expect([endpoints(7).length, endpoints(7).includes(''), endpoints(0).includes('')]).toEqual([33, false, true]);
  });

  test('a slot that is missing shows', () => {
    const { rules, slots } = pool('k . 80 . 0 : a . 1', 'k . 80 . 2 : b . 1');
    expect(rules['set tcp-endpoints']).toMatchObject({ members: { 'k . 80': ['', 'a . 1', 'b . 1'] } });
    expect(slots).toEqual({ 'set tcp-endpoints k . 80': ['a . 1', '', 'b . 1'] });
  });

  test('of NodePorts have a port as key', () => {
    const listing = `  map udp-nodeport-endpoints-local {
    typeof udp dport . numgen random mod 65536 : ip daddr . udp dport
    elements = { 30001 . 0 : 10.1.0.1 . 53 }
  }`;
    expect(parse(listing).rules['set udp-nodeport-endpoints-local']).toEqual({
      definition: 'typeof udp dport . numgen random mod 65536 : ip daddr . udp dport;',
      members: { '30001': ['10.1.0.1 . 53'] },
    });
  });
});

test('a listing that was cut off gives what there is', () => {
  const { rules } = parseTable('table ip sluice {\n\tchain a {\n\t\tdrop');
  expect(plainRules(rules)).toEqual({ 'chain a': { definition: '', lines: ['drop'] } });
});
