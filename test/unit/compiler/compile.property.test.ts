import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalData } from '../../../src/base/equal.ts';
import type { Compilation, CompileInputs } from '../../../src/compiler/compile.ts';
import { compile, conflictsOf } from '../../../src/compiler/compile.ts';
import { destinationOf } from '../../../src/compiler/ownership.ts';
import type { Plan } from '../../../src/compiler/plan.ts';
import { socketAddress } from '../../../src/model/address.ts';
import { IP_FAMILIES } from '../../../src/model/address.ts';
import { histories, lastEvents, World } from '../../support/snapshots.ts';

function content(compilation: Compilation) {
  const { plan, candidates, claims } = compilation;
  return {
    family: plan.family,
    node: plan.node,
    services: [...plan.services],
    candidates: [...candidates],
    claims: [...claims.owners],
    conflicts: conflictsOf(compilation),
  };
}

/** Compiles a history step by step and shows every step, with the compilation before it, to `see`. */
function live(
  history: Parameters<typeof lastEvents>[0],
  see: (inputs: CompileInputs, now: Compilation, before: Compilation | undefined) => void,
): void {
  for (const family of IP_FAMILIES) {
    const world = new World();
    let before: Compilation | undefined;
    for (const events of history) {
      const inputs = { ...world.happen(events), family };
      const now = compile(inputs, before);
      see(inputs, now, before);
      before = now;
    }
  }
}

test('what was compiled before changes nothing but the cost', () => {
  fc.assert(
    fc.property(histories, (history) => {
      live(history, (inputs, now) => expect(content(now)).toEqual(content(compile(inputs))));
    }),
    { numRuns: 150 },
  );
});

test('what is equal is the same object as before', () => {
  fc.assert(
    fc.property(histories, (history) => {
      live(history, (_inputs, now, before) => {
        if (before === undefined) return;
        let same = now.plan.services.size === before.plan.services.size;
        now.plan.services.forEach((service, key) => {
          const old = before.plan.services.get(key);
          const equal = equalData(service, old);
          if (equal) expect(service).toBe(old);
          same &&= equal;
        });
        const sameNode = equalData(now.plan.node, before.plan.node);
        if (sameNode) expect(now.plan.node).toBe(before.plan.node);
        expect(now.plan === before.plan).toBe(same && sameNode);
      });
    }),
    { numRuns: 150 },
  );
});

test('the order of events does not matter', () => {
  const shuffled = histories.chain((history) => {
    const last = [...lastEvents(history)];
    return fc.tuple(fc.constant(history), fc.shuffledSubarray(last, { minLength: last.length }));
  });
  fc.assert(
    fc.property(shuffled, ([history, events]) => {
      const ends: unknown[][] = [history, events.map((event) => [event])].map((batches) => {
        const last: unknown[] = [];
        live(batches, (_inputs, now) => (last[IP_FAMILIES.indexOf(now.plan.family)] = content(now)));
        return last;
      });
      expect(ends[1]).toEqual(ends[0]);
    }),
    { numRuns: 150 },
  );
});

describe('promises of a plan', () => {
  function always(check: (plan: Plan) => void): void {
    fc.assert(
      fc.property(histories, (history) => live(history, (_inputs, now) => check(now.plan))),
      { numRuns: 150 },
    );
  }

  test('verdicts: what backends build on', () => {
    always(({ node, services }) => {
      for (const { frontends, pools } of services.values()) {
        for (const { kind, verdict } of frontends) {
          const poolOf = (origin: keyof typeof verdict): string => {
            const action = verdict[origin];
            return action.kind === 'forward' ? action.pool : action.kind;
          };
          if (node.podDetector === undefined) expect(verdict.pod).toEqual(verdict.outside);
          else expect(poolOf('pod')).toBe(poolOf('node'));
          const kinds = [verdict.pod, verdict.node, verdict.outside].map((action) => action.kind);
          expect(kinds.includes('reject')).toBe(kinds.every((one) => one === 'reject'));
          for (const action of Object.values(verdict)) {
            if (action.kind !== 'forward') continue;
            expect(pools[action.pool].length).toBeGreaterThan(0);
            const rule = node.clusterIpMasquerade;
            if (kind === 'cluster-ip' && rule !== 'not-pod') expect(action.masquerade).toBe(rule === 'always');
          }
        }
      }
    });
  });

  test('a destination belongs to one Service, and every service port in the plan has one', () => {
    always(({ services }) => {
      const owners = new Map<string, string>();
      services.forEach((service, key) => {
        expect(service.key).toBe(key);
        expect(service.frontends.length).toBeGreaterThan(0);
        for (const frontend of service.frontends) {
          const destination = destinationOf(service, frontend);
          expect(owners.get(destination)).toBeUndefined();
          owners.set(destination, key);
        }
      });
    });
  });

  test('pools are sorted as text, and the local one is local', () => {
    always(({ services }) => {
      for (const { pools } of services.values()) {
        for (const pool of Object.values(pools)) {
          const texts = pool.map(({ address, port }) => socketAddress(address, port));
          expect(texts).toEqual([...new Set(texts)].sort());
        }
        expect(pools.local.every(({ local }) => local)).toBe(true);
      }
    });
  });
});
