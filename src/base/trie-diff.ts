import type { Branch, Leaf, Node } from './trie-node.ts';
import { leavesOf, visit } from './trie-node.ts';
import { slotIndex } from './trie-position.ts';

export type DiffVisitor<V> = (key: string, before: V | undefined, after: V | undefined) => void;

/**
 * Calls `see` as `diffMaps` does. Called very often, mostly for twice the same node: has no closure in it, for which a context
 * would be made each time.
 */
export function diffNodes<V>(before: Node<V> | undefined, after: Node<V> | undefined, see: DiffVisitor<V>): void {
  if (before === after) return;
  if (before?.kind === 'branch' && after?.kind === 'branch') diffBranches(before, after, see);
  else if (before === undefined) seeAll(after, see);
  else if (before.kind === 'leaf' && after?.kind === 'leaf' && before.key === after.key) {
    if (!Object.is(before.value, after.value)) see(before.key, before.value, after.value);
  } else diffFew(before, after, see);
}

function seeAll<V>(added: Node<V> | undefined, see: DiffVisitor<V>): void {
  visit(added, (key, value) => see(key, undefined, value));
}

/** At least one side is a handful of leaves (or nothing): matches them by key. */
function diffFew<V>(before: Node<V>, after: Node<V> | undefined, see: DiffVisitor<V>): void {
  if (before.kind === 'leaf') {
    diffOne(before, after, see);
    return;
  }
  const unmatched = new Map<string, Leaf<V>>();
  for (const leaf of leavesOf(before)) unmatched.set(leaf.key, leaf);
  for (const leaf of leavesOf(after)) {
    const old = unmatched.get(leaf.key);
    unmatched.delete(leaf.key);
    if (old === undefined || !Object.is(old.value, leaf.value)) see(leaf.key, old?.value, leaf.value);
  }
  for (const leaf of unmatched.values()) see(leaf.key, leaf.value, undefined);
}

/** Others came beside a leaf: what happens all the time while a map grows. */
function diffOne<V>(before: Leaf<V>, after: Node<V> | undefined, see: DiffVisitor<V>): void {
  let isGone = true;
  visit(after, (key, value) => {
    if (key !== before.key) {
      see(key, undefined, value);
      return;
    }
    isGone = false;
    if (!Object.is(before.value, value)) see(key, before.value, value);
  });
  if (isGone) see(before.key, before.value, undefined);
}

function diffBranches<V>(before: Branch<V>, after: Branch<V>, see: DiffVisitor<V>): void {
  // Almost all of them, and of their slots almost all are shared.
  if (before.bitmap === after.bitmap) {
    for (let i = 0; i < before.slots.length; i++) diffNodes(before.slots[i], after.slots[i], see);
    return;
  }
  for (let rest = before.bitmap | after.bitmap; rest !== 0; rest &= rest - 1) {
    const bit = rest & -rest;
    const old = (before.bitmap & bit) === 0 ? undefined : before.slots[slotIndex(before.bitmap, bit)];
    const now = (after.bitmap & bit) === 0 ? undefined : after.slots[slotIndex(after.bitmap, bit)];
    diffNodes(old, now, see);
  }
}
