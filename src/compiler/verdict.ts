import type { TrafficPolicy } from '../model/service.ts';
import type { Action, NodePlan, PoolName, Verdict } from './plan.ts';

/** What is known of a Service port in one family when its verdicts are made. */
export interface VerdictFacts {
  readonly clusterIpMasquerade: NodePlan['clusterIpMasquerade'];
  /** Can pods be told from other sources? */
  readonly podsKnown: boolean;
  /** A usable endpoint exists on some node. */
  readonly any: boolean;
  readonly poolSizes: Readonly<Record<PoolName, number>>;
}

const REJECT: Action = { kind: 'reject' };
const DROP: Action = { kind: 'drop' };

/** There are fewer than forty different verdicts: one object each, shared by all Services, keeps memory and comparisons small. */
const interned: Verdict[] = [];

function verdict(pod: Action, node: Action, outside: Action): Verdict {
  const index = (indexOf(pod) * ACTIONS + indexOf(node)) * ACTIONS + indexOf(outside);
  return (interned[index] ??= { pod, node, outside });
}

/** So many different actions there are. */
const ACTIONS = 6;

function indexOf(action: Action): number {
  if (action.kind !== 'forward') return action.kind === 'reject' ? 0 : 1;
  return (action.pool === 'cluster' ? 2 : 4) + (action.masquerade ? 1 : 0);
}

/** To a pool; a pool without endpoints, while others exist elsewhere, swallows the packet (as kube-proxy: no ICMP, no RST). */
function forward(facts: VerdictFacts, pool: PoolName, masquerade: boolean): Action {
  return facts.poolSizes[pool] === 0 ? DROP : { kind: 'forward', pool, masquerade };
}

/** Rules C1–C4 and M1–M3, M7 of the reference: internalTrafficPolicy decides the pool, the node's settings the masquerade. */
export function clusterIpVerdict(policy: TrafficPolicy, facts: VerdictFacts): Verdict {
  if (!facts.any) return verdict(REJECT, REJECT, REJECT);
  const pool: PoolName = policy === 'Local' ? 'local' : 'cluster';
  const pods = forward(facts, pool, facts.clusterIpMasquerade === 'always');
  const others = forward(facts, pool, facts.clusterIpMasquerade !== 'never');
  return verdict(pods, others, others);
}

/**
 * Rules X1–X8, M4, M5: with policy Cluster everything is masqueraded. With policy Local, clients outside reach local
 * endpoints with their own address; pods and the node itself take the short cut to every endpoint.
 */
export function externalVerdict(policy: TrafficPolicy, facts: VerdictFacts): Verdict {
  if (!facts.any) return verdict(REJECT, REJECT, REJECT);
  if (policy === 'Cluster') {
    const all = forward(facts, 'cluster', true);
    return verdict(all, all, all);
  }
  const outside = forward(facts, 'local', false);
  const pod = facts.podsKnown ? forward(facts, 'cluster', false) : outside;
  return verdict(pod, forward(facts, 'cluster', true), outside);
}
