import { atOnce } from '../../base/steps.ts';
import type { ObjectId, RuleSet } from '../rules.ts';
import { chainsHeldByOthers as heldByOthers, parseChains } from '../xtables/parse.ts';
import { isOwnChain } from './names.ts';

/** What of the output of `iptables-save` is ours by name. */
export function parseSave(text: string): RuleSet {
  return atOnce(parseChains(text, isOwnChain));
}

/** Chains of ours that rules of others jump to. */
export function chainsHeldByOthers(text: string): ReadonlySet<ObjectId> {
  return atOnce(heldByOthers(text, isOwnChain));
}
