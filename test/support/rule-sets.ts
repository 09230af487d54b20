import * as fc from 'fast-check';
import { PersistentMap } from '../../src/base/persistent-map.ts';
import type { ChangeSet, RuleObject, RuleSet } from '../../src/backend/rules.ts';

type Plain = Readonly<Record<string, unknown>>;

/** A rule set as literals, sorted, for comparisons with `toEqual`. */
export function plainRules(rules: RuleSet): Plain {
  return Object.fromEntries(
    [...rules].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, object]) => [id, plainObject(object)]),
  );
}

function plainObject(object: RuleObject): Plain {
  const { definition } = object;
  return object.ordered
    ? { definition, lines: object.lines }
    : { definition, members: Object.fromEntries(object.members) };
}

export function chain(lines: readonly string[], definition = ''): RuleObject {
  return { ordered: true, definition, lines };
}

export function container(members: Readonly<Record<string, readonly string[]>>, definition = 'type t;'): RuleObject {
  return { ordered: false, definition, members: PersistentMap.of(Object.entries(members)) };
}

export function ruleSet(objects: Readonly<Record<string, RuleObject>>): RuleSet {
  return PersistentMap.of(Object.entries(objects));
}

/** How many objects and members a change is about, by id. */
export function touchedBy(change: ChangeSet): readonly string[] {
  return [...change.objects.map(({ id }) => id), ...change.members.map(({ id, key }) => `${id} ${key}`)];
}

const words = fc.constantFrom('a', 'b', 'c');
const lines = fc.array(words, { maxLength: 3 });
const definitions = fc.constantFrom('', 'type t;');

const objects: fc.Arbitrary<RuleObject> = fc.oneof(
  fc.tuple(lines, definitions).map(([content, definition]) => chain(content, definition)),
  fc
    .tuple(fc.dictionary(words, lines, { noNullPrototype: true }), definitions)
    .map(([members, definition]) => container(members, definition)),
);

/** Any rule set, whether a backend would make it or not. */
export const ruleSets: fc.Arbitrary<RuleSet> = fc
  .dictionary(fc.constantFrom('chain x', 'chain y', 'set z', 'set w'), objects, { noNullPrototype: true })
  .map(ruleSet);
