/** What {@link Sieve} keeps of its members; they bring it along, so that a hit is one assignment. */
export interface SieveNode<N> {
  /** What the member counts. */
  readonly bytes: number;
  /** Set on every use. */
  visited: boolean;
  newer: N | undefined;
  older: N | undefined;
}

/**
 * Decides who leaves when there is no room: the SIEVE algorithm (NSDI 2024). A hand walks from the oldest to the newest; who
 * was used since the hand came by stays, the first other leaves. A flood of names that are asked once passes through and
 * leaves what is in use alone.
 */
export class Sieve<N extends SieveNode<N>> {
  readonly #capacityBytes: number;
  readonly #onEvict: (node: N) => void;
  #newest: N | undefined;
  #oldest: N | undefined;
  #hand: N | undefined;
  #bytes = 0;
  #size = 0;

  /** @param onEvict is told who had to leave; not for those that {@link remove} took out. */
  constructor(capacityBytes: number, onEvict: (node: N) => void) {
    this.#capacityBytes = capacityBytes;
    this.#onEvict = onEvict;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns false when the member is larger than everything; it is not in then. */
  add(node: N): boolean {
    if (node.bytes > this.#capacityBytes) return false;
    while (this.#bytes + node.bytes > this.#capacityBytes) this.#evict();
    node.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = node;
    this.#newest = node;
    this.#oldest ??= node;
    this.#bytes += node.bytes;
    this.#size++;
    return true;
  }

  remove(node: N): void {
    if (this.#hand === node) this.#hand = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    node.newer = undefined;
    node.older = undefined;
    this.#bytes -= node.bytes;
    this.#size--;
  }

  #evict(): void {
    let hand = this.#hand ?? this.#oldest;
    while (hand?.visited === true) {
      hand.visited = false;
      hand = hand.newer ?? this.#oldest;
    }
    this.#hand = hand;
    if (hand === undefined) return;
    this.remove(hand);
    this.#onEvict(hand);
  }
}
