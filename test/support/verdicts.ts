import type { Action, Verdict } from '../../src/compiler/plan.ts';

function spell(action: Action): string {
  if (action.kind !== 'forward') return action.kind;
  return action.masquerade ? `${action.pool} masqueraded` : action.pool;
}

/** A verdict as one word or two per origin, the way the tables of the reference have it. */
export function spellVerdict({ pod, node, outside }: Verdict) {
  return { pod: spell(pod), node: spell(node), outside: spell(outside) };
}

/** The same for all origins. */
export function always(word: string) {
  return { pod: word, node: word, outside: word };
}
