import { describe, expect, it } from 'vitest';
import type { Cidr, IpAddress } from '../../../src/model/address.ts';
import { parseCidr, parseIpAddress } from '../../../src/model/address.ts';
import type { NodeFacts } from '../../../src/model/decode-node.ts';
import type { NodeOverrides } from '../../../src/source/node-facts.ts';
import { nodeInfoFrom } from '../../../src/source/node-facts.ts';

const ip = (...texts: readonly string[]) =>
  texts.map(parseIpAddress).filter((address): address is IpAddress => address !== undefined);
const net = (...texts: readonly string[]) => texts.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== undefined);

const A: NodeFacts = {
  name: 'a',
  addresses: ip('192.168.1.1', 'fd00::1'),
  zone: 'z1',
  podCidrs: net('10.244.1.0/24', 'fd00:1::/64'),
};
const B: NodeFacts = { name: 'b', addresses: [], podCidrs: [] };
const machine = {
  hostname: 'Host.Example ',
  interfaceAddresses: ['127.0.0.1', '192.168.1.1', 'FE80::1', 'nonsense', '127.0.0.1'],
};

function info(nodes: readonly NodeFacts[], overrides: Partial<NodeOverrides> = {}) {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return nodeInfoFrom({ overrides: { addresses: [], podCidrs: [], ...overrides }, nodes: byName, machine });
}

describe('which node', () => {
  const cases: readonly [string, readonly NodeFacts[], string | undefined, string][] = [
    ['the one that was named', [A, B], ' B ', 'b'],
    ['the one that was named, though there is no object', [A], 'c', 'c'],
    ['the only one', [A], undefined, 'a'],
    ['one of several: the machine', [A, B], undefined, 'host.example'],
    ['none: the machine', [], undefined, 'host.example'],
  ];
  it.each(cases)('%s', (_name, nodes, name, expected) => {
    expect(info(nodes, name === undefined ? {} : { name }).name).toBe(expected);
  });

  it('needs a name', () => {
    expect(() => info([], { name: ' ' })).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});

describe('what is known of it', () => {
  const interfaceAddresses = ip('127.0.0.1', '192.168.1.1', 'fe80::1');
  const cases: readonly [string, readonly NodeFacts[], Partial<NodeOverrides>, object][] = [
    ['its object', [A], {}, { ...A, interfaceAddresses }],
    [
      'no object: the addresses of the machine that others can reach',
      [],
      { name: 'x' },
      { name: 'x', addresses: ip('192.168.1.1'), podCidrs: [], interfaceAddresses },
    ],
    [
      'an object with addresses of one family: the machine has no say in it, but in the other',
      [{ ...A, addresses: ip('fd00::1') }],
      {},
      { ...A, addresses: ip('fd00::1', '192.168.1.1'), interfaceAddresses },
    ],
    [
      'overrides of one family leave the other alone',
      [A],
      { addresses: ip('203.0.113.1'), podCidrs: net('10.9.0.0/16'), zone: 'z2' },
      {
        name: 'a',
        addresses: ip('203.0.113.1', 'fd00::1'),
        podCidrs: net('10.9.0.0/16', 'fd00:1::/64'),
        zone: 'z2',
        interfaceAddresses,
      },
    ],
  ];
  it.each(cases)('%s', (_name, nodes, overrides, expected) => {
    expect(info(nodes, overrides)).toEqual(expected);
  });
});
