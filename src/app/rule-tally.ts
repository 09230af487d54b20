import { equalData } from '../base/equal.ts';
import type { ObjectId, RuleObject, RuleSet } from '../backend/rules.ts';
import { NO_RULES } from '../backend/rules.ts';
import { diffMaps } from '../base/persistent-map.ts';

/** Rules of one kernel table. */
export interface RuleCount {
  /** All of ours. */
  readonly total: number;
  /** Those in chains that the last sync wrote. */
  readonly last: number;
}

/** Counts the rules of a family by kernel table, kept at the cost of what changes. */
export class RuleTally {
  readonly #tableOf: (id: ObjectId) => string;
  readonly #totals = new Map<string, number>();
  #rules: RuleSet = NO_RULES;

  constructor(tableOf: (id: ObjectId) => string) {
    this.#tableOf = tableOf;
  }

  update(rules: RuleSet): ReadonlyMap<string, RuleCount> {
    const last = new Map<string, number>();
    diffMaps(this.#rules, rules, (id, before, after) => {
      const table = this.#tableOf(id);
      add(this.#totals, table, linesIn(after) - linesIn(before));
      if (after !== undefined && !equalData(before, after)) add(last, table, linesIn(after));
    });
    this.#rules = rules;
    return new Map([...this.#totals].map(([table, total]) => [table, { total, last: last.get(table) ?? 0 }]));
  }
}

function add(counts: Map<string, number>, table: string, by: number): void {
  counts.set(table, (counts.get(table) ?? 0) + by);
}

function linesIn(object: RuleObject | undefined): number {
  return object?.ordered === true ? object.lines.length : 0;
}
