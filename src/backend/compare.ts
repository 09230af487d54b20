import { compareText } from '../base/compare-text.ts';
import { equalData } from '../base/equal.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import type { Steps } from '../base/steps.ts';
import { ITEMS_PER_STEP } from '../base/steps.ts';
import type { ChangeSet, MemberChange, ObjectChange, RuleObject, RuleSet } from './rules.ts';

/**
 * `diffRuleSets` for two that share nothing, a fresh reading and what it should be: costs everything, so it comes in
 * steps.
 */
export function* compareInSteps(before: RuleSet, after: RuleSet): Steps<ChangeSet> {
  const objects: ObjectChange[] = [];
  const members: MemberChange[] = [];
  for (const [id, old, now] of yield* differences(before, after, sameObject)) {
    if (old?.ordered === false && now?.ordered === false && old.definition === now.definition) {
      for (const [key, was, is] of yield* differences(old.members, now.members, equalData)) {
        members.push({ id, key, before: was, after: is });
      }
    } else {
      objects.push({ id, before: old, after: now });
    }
  }
  objects.sort((a, b) => compareText(a.id, b.id));
  members.sort((a, b) => compareText(a.id, b.id) || compareText(a.key, b.key));
  return { objects, members };
}

/** Unordered objects are looked into separately. */
function sameObject(a: RuleObject, b: RuleObject): boolean {
  return a.ordered && b.ordered && a.definition === b.definition && equalData(a.lines, b.lines);
}

type Difference<V> = readonly [key: string, before: V | undefined, after: V | undefined];

function* differences<V>(
  before: PersistentMap<V>,
  after: PersistentMap<V>,
  same: (a: V, b: V) => boolean,
): Steps<readonly Difference<V>[]> {
  const found: Difference<V>[] = [];
  let seen = 0;
  for (const [key, old] of before) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    const now = after.get(key);
    if (now === undefined || !same(old, now)) found.push([key, old, now]);
  }
  for (const [key, now] of after) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    if (!before.has(key)) found.push([key, undefined, now]);
  }
  return found;
}
