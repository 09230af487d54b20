import { describe, expect, test } from 'vitest';
import { usableEndpoints } from '../../../src/compiler/endpoints.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import { endpoint, NODE } from '../../support/cluster.ts';

const HERE = { nodeName: 'node-1' };
const TERMINATING = { ready: false, terminating: true };
const DEAD = { ready: false, serving: false };
/** Serving but not ready and not terminating: a failing readiness probe. */
const UNREADY = { ready: false };

function use(
  endpoints: readonly Endpoint[],
  parts: { usesCluster?: boolean; usesLocal?: boolean; zone?: string | undefined } = {},
) {
  const { zone, ...uses } = { zone: 'a', usesCluster: true, usesLocal: true, ...parts };
  const node = { name: NODE.name, ...(zone === undefined ? {} : { zone }) };
  const { pools, any } = usableEndpoints({ endpoints, family: 'IPv4', node, ...uses });
  const shorten = (list: typeof pools.cluster) => list.map(({ address }) => address.split('.').at(-1)).join(' ');
  return { cluster: shorten(pools.cluster), local: shorten(pools.local), any };
}

describe('readiness (E3–E7)', () => {
  test.each<[string, readonly Endpoint[], { cluster: string; local: string; any: boolean }]>([
    ['no endpoints', [], { cluster: '', local: '', any: false }],
    ['ready ones', [endpoint('10.0.0.1'), endpoint('10.0.0.2', HERE)], { cluster: '1 2', local: '2', any: true }],
    [
      'E3: terminating ones only while nothing is ready',
      [endpoint('10.0.0.1', TERMINATING), endpoint('10.0.0.2', { ...TERMINATING, serving: false })],
      { cluster: '1', local: '', any: true },
    ],
    [
      'E3: one ready endpoint retires all terminating ones',
      [endpoint('10.0.0.1', TERMINATING), endpoint('10.0.0.2')],
      { cluster: '2', local: '', any: true },
    ],
    [
      'E4: the local list falls back by itself',
      [endpoint('10.0.0.1', { ...TERMINATING, ...HERE }), endpoint('10.0.0.2', { ...DEAD, ...HERE })],
      { cluster: '1', local: '1', any: true },
    ],
    ['E6: neither ready nor serving', [endpoint('10.0.0.1', DEAD)], { cluster: '', local: '', any: false }],
    [
      'E6: serving, but not ready and not terminating',
      [endpoint('10.0.0.1', UNREADY)],
      { cluster: '', local: '', any: false },
    ],
    [
      'E6: terminating and no longer serving',
      [endpoint('10.0.0.1', { ...DEAD, terminating: true })],
      { cluster: '', local: '', any: false },
    ],
    [
      'E7: ready ones elsewhere, a terminating one here',
      [endpoint('10.0.0.1'), endpoint('10.0.0.2', { ...TERMINATING, ...HERE })],
      { cluster: '1', local: '2', any: true },
    ],
    [
      'E7: a dead one here does not count',
      [endpoint('10.0.0.1'), endpoint('10.0.0.2', { ...DEAD, ...HERE })],
      { cluster: '1', local: '', any: true },
    ],
    [
      'ready while terminating (publishNotReadyAddresses, I14)',
      [endpoint('10.0.0.1', { terminating: true, serving: false })],
      { cluster: '1', local: '', any: true },
    ],
  ])('%s', (_name, endpoints, want) => {
    expect(use(endpoints)).toEqual(want);
  });

  test('an endpoint without a node is never local (I9)', () => {
    const { nodeName: _nodeName, ...homeless } = endpoint('10.0.0.1');
    expect(use([homeless])).toEqual({ cluster: '1', local: '', any: true });
  });

  test('a pool that nobody asks for is empty, and does not change whether there is any endpoint', () => {
    const endpoints = [endpoint('10.0.0.1'), endpoint('10.0.0.2', HERE)];
    expect(use(endpoints, { usesCluster: false })).toEqual({ cluster: '', local: '2', any: true });
    expect(use(endpoints, { usesLocal: false })).toEqual({ cluster: '1 2', local: '', any: true });
  });

  test('the other family does not exist', () => {
    const endpoints = [endpoint('10.0.0.1'), endpoint('fd00::1', HERE)];
    expect(use(endpoints)).toEqual({ cluster: '1', local: '', any: true });
  });

  test('targets keep address, port and place, and the order of the endpoints', () => {
    const { pools } = usableEndpoints({
      endpoints: [endpoint('10.0.0.1', { port: 1 }), endpoint('10.0.0.1', { port: 2, ...HERE }), endpoint('10.0.0.2')],
      family: 'IPv4',
      node: NODE,
      usesCluster: true,
      usesLocal: true,
    });
    expect(pools.cluster).toEqual([
      { address: '10.0.0.1', port: 1, local: false },
      { address: '10.0.0.1', port: 2, local: true },
      { address: '10.0.0.2', port: 8080, local: false },
    ]);
    expect(pools.local).toEqual([{ address: '10.0.0.1', port: 2, local: true }]);
  });
});

/** An endpoint for each pair of hints: nodes, zones. */
function hinted(
  ...pairs: readonly (readonly [nodes: readonly string[], zones: readonly string[]])[]
): readonly Endpoint[] {
  return pairs.map(([nodeHints, zoneHints], i) => endpoint(`10.0.0.${i + 1}`, { nodeHints, zoneHints, ...HERE }));
}

describe('topology hints (2.3)', () => {
  test.each<[string, readonly Endpoint[], string]>([
    ['hints for this node win over those for its zone', hinted([['node-1'], ['a']], [['node-2'], ['a']]), '1'],
    ['a hint for this node anywhere in the list', hinted([['node-2', 'node-1'], []], [['node-2'], []]), '1'],
    ['no hint names this node: its zone decides', hinted([['node-2'], ['a']], [['node-3'], ['b']]), '1'],
    ['one endpoint without a node hint: the zone decides', hinted([['node-1'], ['b']], [[], ['a']]), '2'],
    ['a zone anywhere in the list', hinted([[], ['b', 'a']], [[], ['b']]), '1'],
    ['one endpoint without a zone hint: no filter', hinted([[], ['a']], [[], []]), '1 2'],
    ['no hint names this zone: no filter', hinted([[], ['b']], [[], ['c']]), '1 2'],
    ['no hints at all', hinted([[], []], [[], []]), '1 2'],
    [
      'endpoints that are not ready neither count nor get in',
      [...hinted([[], ['a']], [[], ['b']]), endpoint('10.0.0.8', UNREADY), endpoint('10.0.0.9', TERMINATING)],
      '1',
    ],
    [
      'no filter among terminating ones',
      [
        endpoint('10.0.0.1', { ...TERMINATING, zoneHints: ['a'] }),
        endpoint('10.0.0.2', { ...TERMINATING, zoneHints: ['b'] }),
      ],
      '1 2',
    ],
  ])('%s', (_name, endpoints, want) => {
    expect(use(endpoints).cluster).toBe(want);
  });

  test('a node without a zone uses all endpoints', () => {
    expect(use(hinted([[], ['a']], [[], ['b']]), { zone: undefined }).cluster).toBe('1 2');
  });

  test('node hints need no zone', () => {
    expect(use(hinted([['node-1'], []], [['node-2'], []]), { zone: undefined }).cluster).toBe('1');
  });

  test('the local list is never filtered', () => {
    expect(use(hinted([['node-2'], ['b']], [['node-1'], ['a']])).local).toBe('1 2');
  });

  test('hints of the other family do not count', () => {
    const six = endpoint('fd00::1');
    expect(use([...hinted([[], ['a']], [[], ['b']]), six]).cluster).toBe('1');
  });
});
