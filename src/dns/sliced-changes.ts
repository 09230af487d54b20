import type { DnsChange } from '../model/dns-change.ts';

/** Work in one go; queries that came meanwhile are answered before the next. A change takes 10 µs, one of 1000 endpoints 1 ms. */
const SLICE_MS = 1;

/** Changes that are applied a few at a time, so that a large load delays no answer by more than a slice. */
export class SlicedChanges {
  readonly #changes: readonly DnsChange[];
  readonly #apply: (change: DnsChange) => void;
  readonly #now: () => number;
  #next = 0;

  /** @param now milliseconds. */
  constructor(changes: readonly DnsChange[], apply: (change: DnsChange) => void, now = () => performance.now()) {
    this.#changes = changes;
    this.#apply = apply;
    this.#now = now;
  }

  get done(): boolean {
    return this.#next >= this.#changes.length;
  }

  /** Applies one change at least, if any are left. */
  step(): void {
    const endMs = this.#now() + SLICE_MS;
    for (let change = this.#changes[this.#next]; change !== undefined; change = this.#changes[this.#next]) {
      this.#next++;
      this.#apply(change);
      if (this.#now() >= endMs) return;
    }
  }
}
