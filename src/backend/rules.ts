import { compareText } from '../base/compare-text.ts';
import { equalData } from '../base/equal.ts';
import { diffMaps, PersistentMap } from '../base/persistent-map.ts';

/**
 * The rules of one backend in one family as a value: what the kernel holds (read) or should hold (rendered).
 *
 * An object is *ordered* (a chain: its lines are replaced as a whole) or *unordered* (a set or map: members come and go one
 * by one). A member has a key and any number of lines of data: none for a set, one for a map, one per endpoint for a pool.
 */
export type ObjectId = string;

export interface OrderedRules {
  readonly ordered: true;
  /** How the object was declared (hook, priority, type); a different definition means it has to be made anew. */
  readonly definition: string;
  readonly lines: readonly string[];
}

export interface UnorderedRules {
  readonly ordered: false;
  readonly definition: string;
  readonly members: PersistentMap<readonly string[]>;
}

export type RuleObject = OrderedRules | UnorderedRules;

export type RuleSet = PersistentMap<RuleObject>;

export const NO_RULES: RuleSet = PersistentMap.empty();

/** An object that appears, disappears, is declared differently, or (ordered only) has other lines. */
export interface ObjectChange {
  readonly id: ObjectId;
  readonly before: RuleObject | undefined;
  readonly after: RuleObject | undefined;
}

/** A member of an unordered object that exists, equally declared, on both sides. */
export interface MemberChange {
  readonly id: ObjectId;
  readonly key: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
}

/** What to do to get from one rule set to another; both lists sorted, so equal inputs give equal bytes. */
export interface ChangeSet {
  readonly objects: readonly ObjectChange[];
  readonly members: readonly MemberChange[];
}

export const NO_CHANGES: ChangeSet = { objects: [], members: [] };

export function isEmptyChange(change: ChangeSet): boolean {
  return change.objects.length === 0 && change.members.length === 0;
}

/** Costs what the two do not share: one change for neighbours in time, everything for strangers (a fresh read). */
export function diffRuleSets(before: RuleSet, after: RuleSet): ChangeSet {
  const objects: ObjectChange[] = [];
  const members: MemberChange[] = [];
  diffMaps(before, after, (id, old, now) => {
    if (old === undefined || now === undefined || old.definition !== now.definition || old.ordered !== now.ordered) {
      objects.push({ id, before: old, after: now });
    } else if (old.ordered) {
      if (!equalData(old.lines, (now as OrderedRules).lines)) objects.push({ id, before: old, after: now });
    } else {
      diffMaps(old.members, (now as UnorderedRules).members, (key, was, is) => {
        if (!equalData(was, is)) members.push({ id, key, before: was, after: is });
      });
    }
  });
  objects.sort((a, b) => compareText(a.id, b.id));
  members.sort((a, b) => compareText(a.id, b.id) || compareText(a.key, b.key));
  return { objects, members };
}

/** The inverse of {@link diffRuleSets}: `applyChange(a, diffRuleSets(a, b))` equals `b`. */
export function applyChange(rules: RuleSet, change: ChangeSet): RuleSet {
  return rules.update((draft) => {
    for (const { id, after } of change.objects) {
      if (after === undefined) draft.delete(id);
      else draft.set(id, after);
    }
    for (const { id, key, after } of change.members) {
      const object = draft.get(id);
      if (object === undefined || object.ordered) continue;
      const members = after === undefined ? object.members.delete(key) : object.members.set(key, after);
      draft.set(id, { ...object, members });
    }
  });
}
