import { expect, test } from 'vitest';
import {
  affinityChainPool,
  affinityEndpoint,
  affinityPoolChain,
  CHAINS,
  POOL_MAPS,
  poolChain,
  SETS,
} from '../../../../src/backend/nft/names.ts';
import { nodePlan, servicePlan, sketch, target } from '../../../support/plans.ts';

const service = (name: string) => servicePlan(sketch('IPv4', { name }), nodePlan('IPv4'));

test('no two objects share a name', () => {
  const chains = Object.values(CHAINS);
  const pools = (['tcp', 'udp', 'sctp'] as const).flatMap((protocol) =>
    (['ip', 'nodeport'] as const).flatMap((at) =>
      (['cluster', 'local'] as const).map((pool) => poolChain(protocol, at, { pool, slots: 2 })),
    ),
  );
  const names = [...chains, ...pools, ...Object.values(SETS), ...POOL_MAPS.keys()];
  expect([...new Set(names)]).toEqual(names);
  expect(pools).toHaveLength(12);
  for (const name of names) expect(name).toMatch(/^[a-z][-a-z0-9]*$/);
});

test('affinity chains name their pool', () => {
  const chain = affinityPoolChain(service('default/web'), 'local');
  expect(chain).toMatch(/^affinity-local-[a-z2-7]{16}$/);
  expect([
    affinityChainPool(chain),
    affinityChainPool('affinity-other-abc'),
    affinityChainPool('tcp-cluster-2'),
  ]).toEqual(['local', undefined, undefined]);
});

test('hashes depend on the Service and the endpoint', () => {
  const endpoints = [target('10.0.0.1', 80), target('10.0.0.1', 81), target('10.0.0.2', 80)];
  const names = ['default/a', 'default/b'].flatMap((name) =>
    endpoints.map((endpoint) => affinityEndpoint(service(name), endpoint)),
  );
  expect(new Set(names.map(({ set }) => set)).size).toBe(6);
  for (const { set, chain } of names) expect(set.slice('clients-'.length)).toBe(chain.slice('endpoint-'.length));
});

// A restarted process finds its sets by their names, and nobody loses their affinity.
test('hashes are the first 80 bits of SHA-256 in base32, for ever', () => {
  expect(affinityEndpoint(service('default/web:http'), target('10.244.1.1', 8080))).toEqual({
    set: 'clients-33torjmfztvwzsxz',
    chain: 'endpoint-33torjmfztvwzsxz',
  });
  expect(affinityPoolChain(service('default/web:http'), 'cluster')).toBe('affinity-cluster-osc5d42ru6kjhzt7');
});
