import type { DiffVisitor } from './trie-diff.ts';
import { diffNodes } from './trie-diff.ts';
import type { Branch, Bucket, Leaf, Node } from './trie-node.ts';
import { leavesOf, visit } from './trie-node.ts';
import { BITS, bitAt, hashOf, slotIndex } from './trie-position.ts';

/**
 * An immutable string-keyed map (a hash array mapped trie), the type that makes "work proportional to the change" possible:
 *
 * - an update copies one path, O(log32 n), and shares the rest with its predecessor;
 * - {@link diffMaps} walks only what two maps do not share;
 * - the shape depends on the content alone, not on history, so equal maps iterate in the same order.
 */

function find<V>(root: Node<V> | undefined, key: string, hash = hashOf(key)): Leaf<V> | undefined {
  let node: Node<V> | undefined = root;
  let shift = 0;
  while (node?.kind === 'branch') {
    const bit = bitAt(hash, shift);
    if ((node.bitmap & bit) === 0) return undefined;
    node = node.slots[slotIndex(node.bitmap, bit)];
    shift += BITS;
  }
  if (node === undefined || node.hash !== hash) return undefined;
  if (node.kind === 'bucket') return node.leaves.find((leaf) => leaf.key === key);
  return node.key === key ? node : undefined;
}

function byKey<V>(a: Leaf<V>, b: Leaf<V>): number {
  return a.key < b.key ? -1 : 1;
}

/** Where an insertion has come to on its way down; one for all insertions of an update. */
interface Descent {
  readonly owner: object;
  shift: number;
  /** Was the key not there before? */
  isNew: boolean;
}

/** The smallest subtree that holds two leaves or buckets of different hashes (or a bucket, when the hashes are equal). */
function join<V>(a: Leaf<V> | Bucket<V>, b: Leaf<V>, at: Descent): Node<V> {
  if (a.hash === b.hash) {
    const leaves = a.kind === 'leaf' ? [a] : a.leaves;
    return { kind: 'bucket', hash: a.hash, leaves: [...leaves, b].sort(byKey) };
  }
  const { owner, shift } = at;
  const bitA = bitAt(a.hash, shift);
  const bitB = bitAt(b.hash, shift);
  if (bitA === bitB) {
    at.shift += BITS;
    return { kind: 'branch', owner, bitmap: bitA, slots: [join(a, b, at)] };
  }
  const slots: Node<V>[] = bitA >>> 0 < bitB >>> 0 ? [a, b] : [b, a];
  return { kind: 'branch', owner, bitmap: bitA | bitB, slots };
}

/** The very same node when the leaf says nothing new. */
function insert<V>(node: Node<V>, leaf: Leaf<V>, at: Descent): Node<V> {
  if (node.kind === 'branch') return insertBelow(node, leaf, at);
  const known = node.kind === 'leaf' ? node : node.leaves.find(({ key }) => key === leaf.key);
  if (known?.key !== leaf.key) {
    at.isNew = true;
    return join(node, leaf, at);
  }
  if (Object.is(known.value, leaf.value)) return node;
  if (node.kind === 'leaf') return leaf;
  return { ...node, leaves: node.leaves.map((other) => (other === known ? leaf : other)) };
}

function insertBelow<V>(node: Branch<V>, leaf: Leaf<V>, at: Descent): Branch<V> {
  const bit = bitAt(leaf.hash, at.shift);
  const index = slotIndex(node.bitmap, bit);
  if ((node.bitmap & bit) === 0) {
    at.isNew = true;
    // Exactly as many places as are needed: an array that grows by itself gets 17 at once.
    const slots = node.slots.toSpliced(index, 0, leaf);
    return { kind: 'branch', owner: at.owner, bitmap: node.bitmap | bit, slots };
  }
  at.shift += BITS;
  const before = node.slots[index] as Node<V>;
  const child = insert(before, leaf, at);
  if (child === before) return node;
  const target = writable(node, at.owner);
  target.slots[index] = child;
  return target;
}

function writable<V>(node: Branch<V>, owner: object | undefined): Branch<V> {
  if (owner !== undefined && node.owner === owner) return node;
  return { kind: 'branch', owner, bitmap: node.bitmap, slots: node.slots.slice() };
}

/** `undefined` when nothing is left. The key is known to be present. */
function remove<V>(
  node: Node<V>,
  doomed: Leaf<V>,
  at: { shift: number; owner: object | undefined },
): Node<V> | undefined {
  if (node.kind === 'leaf') return undefined;
  if (node.kind === 'bucket') {
    const leaves = node.leaves.filter((leaf) => leaf !== doomed);
    return leaves.length === 1 ? leaves[0] : { ...node, leaves };
  }
  const bit = bitAt(doomed.hash, at.shift);
  const index = slotIndex(node.bitmap, bit);
  const child = remove(node.slots[index] as Node<V>, doomed, { shift: at.shift + BITS, owner: at.owner });
  const target = writable(node, at.owner);
  if (child === undefined) {
    target.bitmap &= ~bit;
    target.slots.splice(index, 1);
  } else {
    target.slots[index] = child;
  }
  // A branch with a single leaf below it is the same content as that leaf: fold it, so that the shape is canonical.
  const only = target.slots.length === 1 ? target.slots[0] : undefined;
  if (only !== undefined && only.kind !== 'branch') return only;
  return target.slots.length === 0 ? undefined : target;
}

export class PersistentMap<V> implements Iterable<[string, V]> {
  readonly size: number;
  readonly #root: Node<V> | undefined;

  private constructor(root: Node<V> | undefined, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<V>(): PersistentMap<V> {
    return EMPTY as PersistentMap<V>;
  }

  static of<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    return PersistentMap.empty<V>().update((draft) => {
      for (const [key, value] of entries) draft.set(key, value);
    });
  }

  get(key: string): V | undefined {
    return this.#root === undefined ? undefined : find(this.#root, key)?.value;
  }

  has(key: string): boolean {
    return find(this.#root, key) !== undefined;
  }

  set(key: string, value: V): PersistentMap<V> {
    return this.update((draft) => draft.set(key, value));
  }

  delete(key: string): PersistentMap<V> {
    return this.update((draft) => draft.delete(key));
  }

  /** Many changes for the price of one copy. Setting a key to the very value it has changes nothing; returns `this` when nothing changed. */
  update(change: (draft: MapDraft<V>) => void): PersistentMap<V> {
    const owner = {};
    const at: Descent = { owner, shift: 0, isNew: false };
    let root = this.#root;
    let size = this.size;
    change({
      get: (key) => find(root, key)?.value,
      set(key, value) {
        const leaf: Leaf<V> = { kind: 'leaf', hash: hashOf(key), key, value };
        at.shift = 0;
        at.isNew = root === undefined;
        root = root === undefined ? leaf : insert(root, leaf, at);
        if (at.isNew) size++;
      },
      delete(key) {
        const existing = find(root, key);
        if (existing === undefined || root === undefined) return;
        root = remove(root, existing, { shift: 0, owner });
        size--;
      },
    });
    if (root === this.#root) return this;
    return root === undefined ? PersistentMap.empty<V>() : new PersistentMap(root, size);
  }

  forEach(see: (value: V, key: string) => void): void {
    visit(this.#root, (key, value) => see(value, key));
  }

  *entries(): Generator<[string, V]> {
    for (const leaf of leavesOf(this.#root)) yield [leaf.key, leaf.value];
  }

  *keys(): Generator<string> {
    for (const leaf of leavesOf(this.#root)) yield leaf.key;
  }

  *values(): Generator<V> {
    for (const leaf of leavesOf(this.#root)) yield leaf.value;
  }

  [Symbol.iterator](): Generator<[string, V]> {
    return this.entries();
  }

  /** For {@link diffMaps}; the trie itself stays private to the map. */
  static diff<V>(before: PersistentMap<V>, after: PersistentMap<V>, see: DiffVisitor<V>): void {
    diffNodes(before.#root, after.#root, see);
  }

  static readonly EMPTY_INSTANCE: PersistentMap<unknown> = new PersistentMap<unknown>(undefined, 0);
}

const EMPTY = PersistentMap.EMPTY_INSTANCE;

export interface MapDraft<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

/**
 * Calls `see` once for every key whose value differs by identity (`undefined` stands for absent; values are never `undefined`).
 * Costs as much as the two maps do not share: O(change) when one was derived from the other, O(n) when they are strangers.
 */
export function diffMaps<V>(before: PersistentMap<V>, after: PersistentMap<V>, see: DiffVisitor<V>): void {
  PersistentMap.diff(before, after, see);
}
