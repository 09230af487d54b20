import { equalData } from '../base/equal.ts';
import type { MapDraft } from '../base/persistent-map.ts';
import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { IpFamily } from '../model/address.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { ObjectId, RuleObject, RuleSet } from './rules.ts';
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
  /**
   * What the kernel holds of these Services, as some process wrote it that knew them otherwise; nothing of those that it does not
   * hold. Absent where rules do not tell whose they are.
   */
  traces?(services: readonly ServicePlan[], kernel: RuleSet): ReadonlyMap<ServicePortKey, RuleSet>;
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

const NOTHING: Omit<Assembly, 'plan'> = {
  rules: NO_RULES,
  parts: PersistentMap.empty(),
  shares: PersistentMap.empty(),
  permanent: new Set(),
};

const NO_PIECES: Fragment = [];

/**
 * `assemble(spelling, plan, previous)` equals `assemble(spelling, plan)`, whatever `previous` is; with it, only Services that
 * changed are spelled again (all of them when the node's facts changed).
 */
export function assemble(spelling: Spelling, plan: Plan, previous?: Assembly): Assembly {
  const known = previous?.plan.node === plan.node && previous.plan.family === plan.family ? previous : undefined;
  const draft = new AssemblyDraft(spelling, plan.family, known);
  if (known === undefined) draft.addBase(spelling.base(plan));
  diffMaps(known?.plan.services ?? PersistentMap.empty<ServicePlan>(), plan.services, (_key, before, after) => {
    const old = before === undefined ? NO_PIECES : spelling.service(before, plan);
    const now = after === undefined ? NO_PIECES : spelling.service(after, plan, before);
    draft.replace(old, now);
  });
  return draft.finish(plan);
}

/** What becomes of one object. */
interface ObjectDraft {
  readonly id: ObjectId;
  /** Its members or parts before. */
  readonly members: PersistentMap<readonly string[]>;
  /** Net changes: lines to put, or `undefined` to take away. */
  readonly changes: Map<string, readonly string[] | undefined>;
  readonly shares: Map<string, readonly Share[]>;
}

class AssemblyDraft {
  readonly #spelling: Spelling;
  readonly #family: IpFamily;
  readonly #previous: Omit<Assembly, 'plan'>;
  readonly #touched = new Map<ObjectId, ObjectDraft>();
  #permanent: ReadonlySet<ObjectId>;

  constructor(spelling: Spelling, family: IpFamily, previous: Omit<Assembly, 'plan'> = NOTHING) {
    this.#spelling = spelling;
    this.#family = family;
    this.#previous = previous;
    this.#permanent = previous.permanent;
  }

  addBase(base: ReturnType<Spelling['base']>): void {
    this.#permanent = new Set(base.objects);
    for (const id of base.objects) this.#draftOf(id);
    for (const piece of base.pieces) this.#contribute(piece, 1);
  }

  /** Most pieces of a Service that changes stay as they are, and in their places. */
  replace(before: Fragment, after: Fragment): void {
    const stays = after.map((piece, i) => equalData(piece, before[i]));
    for (const [i, piece] of before.entries()) if (stays[i] !== true) this.#contribute(piece, -1);
    for (const [i, piece] of after.entries()) if (stays[i] !== true) this.#contribute(piece, 1);
  }

  #contribute({ object, key, lines }: Piece, delta: 1 | -1): void {
    const draft = this.#draftOf(object);
    const current = draft.changes.has(key) ? draft.changes.get(key) : draft.members.get(key);
    const pending = draft.shares.get(key);
    // Nobody has it, which is so for almost every piece of a first load.
    if (current === undefined && pending === undefined && delta > 0) {
      draft.changes.set(key, lines);
      return;
    }
    const known = this.#previous.shares.get(shareKey(object, key));
    const single = current === undefined ? [] : [{ lines: current, count: 1 }];
    const shares = withContributor(pending ?? known ?? single, lines, delta);
    if (isShared(shares) || known !== undefined) draft.shares.set(key, shares);
    else draft.shares.delete(key);
    const inForce = shares[0]?.lines;
    if (!equalData(current, inForce)) draft.changes.set(key, inForce);
  }

  #draftOf(id: ObjectId): ObjectDraft {
    let draft = this.#touched.get(id);
    if (draft === undefined) {
      draft = { id, members: this.#membersOf(id), changes: new Map(), shares: new Map() };
      this.#touched.set(id, draft);
    }
    return draft;
  }

  #membersOf(id: ObjectId): PersistentMap<readonly string[]> {
    const object = this.#previous.rules.get(id);
    if (object !== undefined && !object.ordered) return object.members;
    return this.#previous.parts.get(id) ?? PersistentMap.empty();
  }

  finish(plan: Plan): Assembly {
    const shares = this.#previous.shares.update((draft) => {
      for (const object of this.#touched.values()) {
        for (const [key, list] of object.shares) {
          if (isShared(list)) draft.set(shareKey(object.id, key), list);
          else draft.delete(shareKey(object.id, key));
        }
      }
    });
    let { parts } = this.#previous;
    const rules = this.#previous.rules.update((ruleDraft) => {
      parts = parts.update((partDraft) => {
        for (const object of this.#touched.values()) this.#finishObject(object, ruleDraft, partDraft);
      });
    });
    return { plan, rules, parts, shares, permanent: this.#permanent };
  }

  #finishObject(
    { id, members: before, changes }: ObjectDraft,
    rules: MapDraft<RuleObject>,
    parts: MapDraft<PersistentMap<readonly string[]>>,
  ): void {
    const { ordered, definition } = this.#spelling.shape(this.#family, id);
    const members = before.update((draft) => {
      for (const [key, lines] of changes) {
        if (lines === undefined) draft.delete(key);
        else draft.set(key, lines);
      }
    });
    // An unordered object stays, empty, once it is declared; a chain without pieces goes away unless it is permanent.
    if (!ordered) {
      rules.set(id, { ordered, definition, members });
    } else if (members.size === 0 && !this.#permanent.has(id)) {
      rules.delete(id);
      parts.delete(id);
    } else {
      const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
      rules.set(id, { ordered, definition, lines: sorted.flatMap(([, lines]) => lines) });
      parts.set(id, members);
    }
  }
}

function shareKey(object: ObjectId, key: string): string {
  return `${object} ${key}`;
}

function isShared(shares: readonly Share[]): boolean {
  return shares.length > 1 || (shares[0]?.count ?? 0) > 1;
}

function withContributor(shares: readonly Share[], lines: readonly string[], delta: 1 | -1): readonly Share[] {
  const [only] = shares;
  if (shares.length === 1 && only !== undefined && equalData(only.lines, lines)) {
    const count = only.count + delta;
    return count > 0 ? [{ lines: only.lines, count }] : [];
  }
  const others = shares.filter((share) => !equalData(share.lines, lines));
  const count = (shares.find((share) => !others.includes(share))?.count ?? 0) + delta;
  if (count <= 0) return others;
  const all = [...others, { lines, count }];
  return all.length === 1 ? all : all.sort((a, b) => (a.lines.join('\n') < b.lines.join('\n') ? -1 : 1));
}
