import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PlanTally } from '../../../src/app/plan-tally.ts';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import { compile } from '../../../src/compiler/compile.ts';
import type { ServicePlan } from '../../../src/compiler/plan.ts';
import { parseIpAddress } from '../../../src/model/address.ts';
import { histories, World } from '../../support/snapshots.ts';

test('counts kept over any history are those of counting anew', () => {
  fc.assert(
    fc.property(histories, (history) => {
      const world = new World();
      const tally = new PlanTally();
      for (const events of history) {
        const { plan } = compile({ ...world.happen(events), family: 'IPv4' });
        expect(tally.update(plan)).toEqual(new PlanTally().update(plan));
      }
    }),
    { numRuns: 50 },
  );
});

test('counts endpoints, and ports whose policy Local drops for want of one here', () => {
  const drop = { kind: 'drop' } as const;
  const cluster = { kind: 'forward', pool: 'cluster', masquerade: true } as const;
  const target = { address: parseIpAddress('10.1.0.1') ?? fail(), port: 80, local: false };
  const service: ServicePlan = {
    key: 'a/b:/tcp',
    name: 'a/b',
    protocol: 'tcp',
    pools: { cluster: [target, { ...target, port: 81 }], local: [] },
    frontends: [
      { kind: 'cluster-ip', address: target.address, port: 80, verdict: { pod: drop, node: drop, outside: drop } },
      { kind: 'node-port', port: 30_080, verdict: { pod: cluster, node: cluster, outside: drop } },
      {
        kind: 'external-ip',
        address: target.address,
        port: 81,
        verdict: { pod: cluster, node: cluster, outside: drop },
      },
    ],
  };
  const empty = compile({ ...new World().happen([]), family: 'IPv4' }).plan;
  const tally = new PlanTally();
  const plan = { ...empty, services: PersistentMap.of([[service.key, service]]) };
  expect(tally.update(plan)).toEqual({ endpoints: 2, internal: 1, external: 1 });
  expect(tally.update(empty)).toEqual({ endpoints: 0, internal: 0, external: 0 });
});

function fail(): never {
  throw new Error('the constant is an address');
}
