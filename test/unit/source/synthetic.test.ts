import { describe, expect, it } from 'vitest';
import { Store } from '../../../src/model/store.ts';
import { createSynthetic } from '../../../src/source/synthetic.ts';

function load(options: Parameters<typeof createSynthetic>[0]): Store {
  const store = new Store();
  for (const event of createSynthetic(options).events()) store.apply(event);
  return store;
}

it('makes objects that a store takes without a complaint, no two with the same address', () => {
  const store = load({ services: 500, endpointsPerService: 4, nodePortEvery: 3 });
  const { servicePorts, endpoints } = store.snapshot();
  expect(store.problems()).toEqual([]);
  expect(servicePorts.size).toBe(500);
  expect(new Set([...servicePorts.values()].flatMap((port) => port.clusterIps)).size).toBe(500);
  expect(new Set([...endpoints.values()].flat().map(({ address }) => address)).size).toBe(2000);
  expect([...servicePorts.values()].filter((port) => port.nodePort !== undefined)).toHaveLength(167);
});

it('makes the same of the same options, and spreads over the nodes as the seed says', () => {
  const nodesOf = (seed: number) =>
    [...load({ services: 50, endpointsPerService: 4, nodes: 5, seed }).snapshot().endpoints.values()]
      .flat()
      .map(({ nodeName }) => nodeName);
  expect(nodesOf(7)).toEqual(nodesOf(7));
  expect(nodesOf(7)).not.toEqual(nodesOf(8));
  expect(new Set(nodesOf(7)).size).toBe(5);
});

describe('generations', () => {
  it('differ in one address each', () => {
    const synthetic = createSynthetic({ services: 3, endpointsPerService: 2 });
    const addressesOf = (generation: number) => {
      const { endpoints } = synthetic.slice(1, generation).json as { endpoints: { addresses: string[] }[] };
      return endpoints.flatMap(({ addresses }) => addresses);
    };
    for (let generation = 0; generation < 6; generation++) {
      const next = addressesOf(generation + 1);
      expect(addressesOf(generation).filter((address) => !next.includes(address))).toHaveLength(1);
    }
  });
});

it('refuses more than there are addresses for', () => {
  expect(() => createSynthetic({ services: 1_000_000, endpointsPerService: 10 })).toThrow(RangeError);
});
