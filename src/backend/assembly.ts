import { equalData } from '../base/equal.ts';
import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { IpFamily } from '../model/address.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { ObjectId, RuleSet } from './rules.ts';
import { NO_RULES } from './rules.ts';

/**
 * Something that a Service (or the node's base rules) puts into an object. Two contributors may put the same piece into the
 * same object (a ClusterIP with two ports): it stays until the last of them leaves.
 */
export interface Piece {
  readonly object: ObjectId;
  /** Unique within the object; pieces of an ordered object are put in the order of their keys. */
  readonly key: string;
  readonly lines: readonly string[];
}

export type Fragment = readonly Piece[];

/** How an object of the backend looks, found by its id alone. */
export interface ObjectShape {
  readonly ordered: boolean;
  readonly definition: string;
}

/** The pure half of a backend: what to write, as pieces. None of them remembers anything. */
export interface Spelling {
  shape(family: IpFamily, id: ObjectId): ObjectShape;
  /** Rules that exist whatever the Services are, and the objects that exist even when empty. */
  base(plan: Plan): { readonly pieces: Fragment; readonly objects: readonly ObjectId[] };
  /** Rules of one Service. Depends on nothing else; of `previous`, what the Service was before, text may be used again. */
  service(service: ServicePlan, plan: Plan, previous?: ServicePlan): Fragment;
}

/** The rules of a plan, with what is needed to derive the next from it at the cost of the change. */
export interface Assembly {
  readonly plan: Plan;
  readonly rules: RuleSet;
  /** Pieces of ordered objects, by object and key. */
  readonly parts: PersistentMap<PersistentMap<readonly string[]>>;
  /** Who contributes to a piece, where it is more than one. */
  readonly shares: PersistentMap<readonly Share[]>;
  /** Objects that exist even when empty. */
  readonly permanent: ReadonlySet<ObjectId>;
}

/**
 * Contributors of a piece that spell it alike. There is one such group, unless plans overlap (a Service that the kernel
 * refused keeps a destination that another owns by now): then the first in the order of their text is in force.
 */
interface Share {
  readonly lines: readonly string[];
  readonly count: number;
}

/**
 * `assemble(spelling, plan, previous)` equals `assemble(spelling, plan)`, whatever `previous` is; with it, only Services that
 * changed are spelled again (all of them when the node's facts changed).
 */
export function assemble(spelling: Spelling, plan: Plan, previous?: Assembly): Assembly {
  const known = previous?.plan.node === plan.node && previous.plan.family === plan.family ? previous : undefined;
  const draft = new AssemblyDraft(spelling, plan.family, known);
  if (known === undefined) draft.addBase(spelling.base(plan));
  diffMaps(known?.plan.services ?? PersistentMap.empty<ServicePlan>(), plan.services, (_key, before, after) => {
    const old = before === undefined ? [] : spelling.service(before, plan);
    const now = after === undefined ? [] : spelling.service(after, plan, before);
    draft.replace(old, now);
  });
  return draft.finish(plan);
}

class AssemblyDraft {
  readonly #spelling: Spelling;
  readonly #family: IpFamily;
  #rules: RuleSet;
  #parts: PersistentMap<PersistentMap<readonly string[]>>;
  #shares: PersistentMap<readonly Share[]>;
  /** Net changes per object: key → lines to put, or `undefined` to take away. */
  readonly #touched = new Map<ObjectId, Map<string, readonly string[] | undefined>>();
  readonly #shareChanges = new Map<ObjectId, Map<string, readonly Share[]>>();
  #permanent: ReadonlySet<ObjectId>;

  constructor(spelling: Spelling, family: IpFamily, previous: Assembly | undefined) {
    this.#spelling = spelling;
    this.#family = family;
    this.#rules = previous?.rules ?? NO_RULES;
    this.#parts = previous?.parts ?? PersistentMap.empty();
    this.#shares = previous?.shares ?? PersistentMap.empty();
    this.#permanent = previous?.permanent ?? new Set();
  }

  addBase(base: ReturnType<Spelling['base']>): void {
    this.#permanent = new Set(base.objects);
    for (const id of base.objects) this.#changesOf(id);
    this.add(base.pieces);
  }

  add(fragment: Fragment): void {
    for (const piece of fragment) this.#contribute(piece, 1);
  }

  /** Most pieces of a Service that changes stay as they are, and in their places. */
  replace(before: Fragment, after: Fragment): void {
    const stays = after.map((piece, i) => equalData(piece, before[i]));
    for (const [i, piece] of before.entries()) if (stays[i] !== true) this.#contribute(piece, -1);
    for (const [i, piece] of after.entries()) if (stays[i] !== true) this.#contribute(piece, 1);
  }

  #contribute(piece: Piece, delta: 1 | -1): void {
    const current = this.#linesOf(piece);
    const pending = this.#shareChanges.get(piece.object)?.get(piece.key);
    // Nobody has it, which is so for almost every piece of a first load.
    if (current === undefined && pending === undefined && delta > 0) {
      this.#changesOf(piece.object).set(piece.key, piece.lines);
      return;
    }
    const key = shareKey(piece.object, piece.key);
    const single = current === undefined ? [] : [{ lines: current, count: 1 }];
    const shares = withContributor(pending ?? this.#shares.get(key) ?? single, piece.lines, delta);
    if (isShared(shares) || this.#shares.has(key)) this.#sharesIn(piece.object).set(piece.key, shares);
    else this.#shareChanges.get(piece.object)?.delete(piece.key);
    const inForce = shares[0]?.lines;
    if (!equalData(current, inForce)) this.#changesOf(piece.object).set(piece.key, inForce);
  }

  #sharesIn(id: ObjectId): Map<string, readonly Share[]> {
    let changes = this.#shareChanges.get(id);
    if (changes === undefined) this.#shareChanges.set(id, (changes = new Map()));
    return changes;
  }

  finish(plan: Plan): Assembly {
    this.#shares = this.#shares.update((draft) => {
      for (const [id, changes] of this.#shareChanges) {
        for (const [key, shares] of changes) {
          if (isShared(shares)) draft.set(shareKey(id, key), shares);
          else draft.delete(shareKey(id, key));
        }
      }
    });
    this.#rules = this.#rules.update((rules) => {
      this.#parts = this.#parts.update((parts) => {
        for (const [id, changes] of this.#touched) this.#finishObject(id, changes, { rules, parts });
      });
    });
    return { plan, rules: this.#rules, parts: this.#parts, shares: this.#shares, permanent: this.#permanent };
  }

  #finishObject(
    id: ObjectId,
    changes: ReadonlyMap<string, readonly string[] | undefined>,
    drafts: {
      rules: Parameters<Parameters<RuleSet['update']>[0]>[0];
      parts: Parameters<Parameters<PersistentMap<PersistentMap<readonly string[]>>['update']>[0]>[0];
    },
  ): void {
    const { ordered, definition } = this.#spelling.shape(this.#family, id);
    const members = this.#members(id).update((draft) => {
      for (const [key, lines] of changes) {
        if (lines === undefined) draft.delete(key);
        else draft.set(key, lines);
      }
    });
    // An unordered object stays, empty, once it is declared; a chain without pieces goes away unless it is permanent.
    if (!ordered) {
      drafts.rules.set(id, { ordered, definition, members });
    } else if (members.size === 0 && !this.#permanent.has(id)) {
      drafts.rules.delete(id);
      drafts.parts.delete(id);
    } else {
      const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
      drafts.rules.set(id, { ordered, definition, lines: sorted.flatMap(([, lines]) => lines) });
      drafts.parts.set(id, members);
    }
  }

  #members(id: ObjectId): PersistentMap<readonly string[]> {
    const object = this.#rules.get(id);
    if (object !== undefined && !object.ordered) return object.members;
    return this.#parts.get(id) ?? PersistentMap.empty();
  }

  #linesOf(piece: Piece): readonly string[] | undefined {
    const changes = this.#touched.get(piece.object);
    if (changes?.has(piece.key) === true) return changes.get(piece.key);
    return this.#members(piece.object).get(piece.key);
  }

  #changesOf(id: ObjectId): Map<string, readonly string[] | undefined> {
    let changes = this.#touched.get(id);
    if (changes === undefined) {
      changes = new Map();
      this.#touched.set(id, changes);
    }
    return changes;
  }
}

function shareKey(object: ObjectId, key: string): string {
  return `${object} ${key}`;
}

function isShared(shares: readonly Share[]): boolean {
  return shares.length > 1 || (shares[0]?.count ?? 0) > 1;
}

function withContributor(shares: readonly Share[], lines: readonly string[], delta: 1 | -1): readonly Share[] {
  const others = shares.filter((share) => !equalData(share.lines, lines));
  const count = (shares.find((share) => !others.includes(share))?.count ?? 0) + delta;
  if (count <= 0) return others;
  const all = [...others, { lines, count }];
  return all.length === 1 ? all : all.sort((a, b) => (a.lines.join('\n') < b.lines.join('\n') ? -1 : 1));
}
