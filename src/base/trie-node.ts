/** What a hash array mapped trie is made of; see {@link file://./persistent-map.ts}. */

export type Node<V> = Leaf<V> | Bucket<V> | Branch<V>;

export interface Leaf<V> {
  readonly kind: 'leaf';
  readonly hash: number;
  readonly key: string;
  readonly value: V;
}

/** Keys whose 32 hash bits are all equal; sorted by key, two leaves at least. */
export interface Bucket<V> {
  readonly kind: 'bucket';
  readonly hash: number;
  readonly leaves: readonly Leaf<V>[];
}

export interface Branch<V> {
  readonly kind: 'branch';
  /** The draft that may change this node in place; `undefined` once it is shared. */
  readonly owner: object | undefined;
  bitmap: number;
  readonly slots: Node<V>[];
}

/** From the first place to the last. */
export function* leavesOf<V>(node: Node<V> | undefined): Generator<Leaf<V>> {
  if (node === undefined) return;
  if (node.kind === 'leaf') yield node;
  else if (node.kind === 'bucket') yield* node.leaves;
  else for (const child of node.slots) yield* leavesOf(child);
}

/** As {@link leavesOf}, without the price of a generator. */
export function visit<V>(node: Node<V> | undefined, see: (key: string, value: V) => void): void {
  if (node === undefined) return;
  if (node.kind === 'leaf') see(node.key, node.value);
  else for (const child of node.kind === 'bucket' ? node.leaves : node.slots) visit(child, see);
}
