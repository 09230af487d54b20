import { FLAG } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import type { Query } from '../wire/query.ts';
import type { Answer } from './answer.ts';
import { sizeOf } from './answer.ts';
import type { SieveNode } from './sieve.ts';
import { Sieve } from './sieve.ts';
import type { AnswerKind } from './verdict.ts';

/** Answers that deny or fail have a pool of their own, so that a flood of random names cannot push out names that exist. */
export type Pool = 'success' | 'denial';

export interface CacheEntry extends SieveNode<CacheEntry> {
  readonly name: NameKey;
  /** See {@link variantOf}. */
  readonly variant: number;
  readonly kind: Exclude<AnswerKind, 'unfit'>;
  readonly answer: Answer;
  /** Times of the cache's clock, in milliseconds. */
  readonly storedMs: number;
  readonly expiresMs: number;
  /** Hits since it was stored. */
  hits: number;
  /** A fresh answer is being fetched, or should not be before this time. */
  retryMs: number;
}

export interface CacheOptions {
  readonly successBytes: number;
  readonly denialBytes: number;
}

export interface CacheItem {
  readonly name: NameKey;
  readonly variant: number;
  readonly kind: CacheEntry['kind'];
  readonly answer: Answer;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** What, besides the name, makes two questions different: answers with DNSSEC data, or not validated, are other answers. */
export function variantOf(query: Query): number {
  // The common ones are small integers, which a Map finds fastest.
  const bits = (query.edns?.dnssecOk === true ? 2 : 0) + ((query.flags & FLAG.checkingDisabled) === 0 ? 0 : 1);
  return (query.class * 0x1_00_00 + query.type) * 4 + bits;
}

/** Upstream answers in a bounded number of bytes. It knows when an entry expires; whether that matters, the caller does. */
export class AnswerCache {
  readonly #tables = new Map<number, Map<NameKey, CacheEntry>>();
  readonly #pools: Readonly<Record<Pool, Sieve<CacheEntry>>>;
  readonly #evictions: Record<Pool, number> = { success: 0, denial: 0 };

  constructor({ successBytes, denialBytes }: CacheOptions) {
    const pool = (name: Pool, bytes: number) =>
      new Sieve<CacheEntry>(bytes, (entry) => {
        this.#evictions[name]++;
        this.#unlist(entry);
      });
    this.#pools = { success: pool('success', successBytes), denial: pool('denial', denialBytes) };
  }

  /** Also an entry that has expired. */
  find(name: NameKey, variant: number): CacheEntry | undefined {
    const entry = this.#tables.get(variant)?.get(name);
    if (entry !== undefined) entry.visited = true;
    return entry;
  }

  /** Takes the place of what is there for the same question. */
  put({ name, variant, kind, answer, nowMs, lifetimeMs }: CacheItem): void {
    const known = this.#tables.get(variant)?.get(name);
    if (known !== undefined) {
      this.#pools[poolOf(known.kind)].remove(known);
      this.#unlist(known);
    }
    const entry: CacheEntry = {
      name,
      variant,
      kind,
      answer,
      storedMs: nowMs,
      expiresMs: nowMs + lifetimeMs,
      bytes: sizeOf(answer),
      hits: 0,
      retryMs: 0,
      visited: false,
      newer: undefined,
      older: undefined,
    };
    if (!this.#pools[poolOf(kind)].add(entry)) return;
    let table = this.#tables.get(variant);
    if (table === undefined) this.#tables.set(variant, (table = new Map()));
    table.set(name, entry);
  }

  /** How things are now, and evictions since the start. */
  usage(pool: Pool): { readonly entries: number; readonly bytes: number; readonly evictions: number } {
    const { size, bytes } = this.#pools[pool];
    return { entries: size, bytes, evictions: this.#evictions[pool] };
  }

  #unlist({ name, variant }: CacheEntry): void {
    const table = this.#tables.get(variant);
    table?.delete(name);
    if (table?.size === 0) this.#tables.delete(variant);
  }
}

export function poolOf(kind: CacheEntry['kind']): Pool {
  return kind === 'success' ? 'success' : 'denial';
}
