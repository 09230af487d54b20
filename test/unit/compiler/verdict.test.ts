import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodePlan, Verdict } from '../../../src/compiler/plan.ts';
import type { VerdictFacts } from '../../../src/compiler/verdict.ts';
import { clusterIpVerdict, externalVerdict } from '../../../src/compiler/verdict.ts';
import { always, spellVerdict } from '../../support/verdicts.ts';

type Masquerade = NodePlan['clusterIpMasquerade'];

function facts(cluster: number, local: number, parts: Partial<VerdictFacts> = {}): VerdictFacts {
  const any = cluster > 0 || local > 0;
  return { clusterIpMasquerade: 'not-pod', podsKnown: true, any, poolSizes: { cluster, local }, ...parts };
}

describe('ClusterIP', () => {
  const notPod = (pool: string) => ({ pod: pool, node: `${pool} masqueraded`, outside: `${pool} masqueraded` });

  test.each<[string, 'Cluster' | 'Local', VerdictFacts, ReturnType<typeof spellVerdict>]>([
    ['C1, M2', 'Cluster', facts(2, 0), notPod('cluster')],
    ['C2, M7', 'Local', facts(2, 1), notPod('local')],
    ['C3: none here', 'Local', facts(2, 0), always('drop')],
    ['C3: none here, and the cluster list not in use', 'Local', facts(0, 0, { any: true }), always('drop')],
    ['C4', 'Cluster', facts(0, 0), always('reject')],
    ['C4 with policy Local', 'Local', facts(0, 0), always('reject')],
    ['M1: masqueradeAll', 'Cluster', facts(2, 0, { clusterIpMasquerade: 'always' }), always('cluster masqueraded')],
    ['M1, M7', 'Local', facts(2, 1, { clusterIpMasquerade: 'always' }), always('local masqueraded')],
    ['M3: no detector', 'Cluster', facts(2, 0, { clusterIpMasquerade: 'never', podsKnown: false }), always('cluster')],
  ])('%s (policy %s)', (_name, policy, given, want) => {
    expect(spellVerdict(clusterIpVerdict(policy, given))).toEqual(want);
  });
});

describe('external destinations', () => {
  const shortCut = (outside: string) => ({ pod: 'cluster', node: 'cluster masqueraded', outside });
  const blind = { podsKnown: false, clusterIpMasquerade: 'never' as Masquerade };

  test.each<[string, 'Cluster' | 'Local', VerdictFacts, ReturnType<typeof spellVerdict>]>([
    ['X1, M4', 'Cluster', facts(2, 0), always('cluster masqueraded')],
    ['X1 without a detector', 'Cluster', facts(2, 0, blind), always('cluster masqueraded')],
    ['X2, X4, X5, M5', 'Local', facts(2, 1), shortCut('local')],
    ['X3, X4, X5', 'Local', facts(2, 0), shortCut('drop')],
    [
      'X6: pods count as outside',
      'Local',
      facts(2, 1, blind),
      { pod: 'local', node: 'cluster masqueraded', outside: 'local' },
    ],
    ['X6, X3', 'Local', facts(2, 0, blind), { pod: 'drop', node: 'cluster masqueraded', outside: 'drop' }],
    ['X7', 'Cluster', facts(0, 0), always('reject')],
    ['X7 with policy Local', 'Local', facts(0, 0), always('reject')],
    ['masqueradeAll changes nothing', 'Local', facts(2, 1, { clusterIpMasquerade: 'always' }), shortCut('local')],
  ])('%s (policy %s)', (_name, policy, given, want) => {
    expect(spellVerdict(externalVerdict(policy, given))).toEqual(want);
  });
});

const anyFacts: fc.Arbitrary<VerdictFacts> = fc
  .record({ podsKnown: fc.boolean(), all: fc.boolean(), cluster: fc.nat(2), local: fc.nat(2), elsewhere: fc.boolean() })
  .map(({ podsKnown, all, cluster, local, elsewhere }) =>
    facts(cluster, local, {
      podsKnown,
      clusterIpMasquerade: all ? 'always' : podsKnown ? 'not-pod' : 'never',
      any: cluster > 0 || local > 0 || elsewhere,
    }),
  );

test('equal verdicts are the same object', () => {
  const policies = fc.constantFrom('Cluster' as const, 'Local' as const);
  fc.assert(
    fc.property(anyFacts, anyFacts, policies, (a, b, policy) => {
      for (const decide of [clusterIpVerdict, externalVerdict]) {
        const [one, other] = [decide(policy, a), decide(policy, b)] as [Verdict, Verdict];
        expect(one === other).toBe(JSON.stringify(one) === JSON.stringify(other));
      }
    }),
    { numRuns: 200 },
  );
});
