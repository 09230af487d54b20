import type { IpFamily } from '../../model/address.ts';
import type { Marks } from './marks.ts';
import { markKey, parseServerKey, shortCutOf } from './names.ts';

/** Destinations by virtual server. */
export type Leaving = ReadonlyMap<string, ReadonlySet<string>>;

/** What is on the machine and not in the rule set: it decides how something is written, not what. */
export interface Surroundings {
  /** Destinations that stay until their last connection has ended. */
  readonly leaving: Leaving;
  /**
   * Virtual servers of others by what ipvsadm calls them; one that a Service wants is taken over. So is one that has the mark of a
   * short cut and has lost its trace.
   */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
  /** Of short cuts, by name. */
  readonly marks: Marks;
}

export const NO_SURROUNDINGS: Surroundings = { leaving: new Map(), foreign: new Map(), marks: new Map() };

/** What ipvsadm calls it. */
export function nativeKey(family: IpFamily, key: string, marks: Marks): string {
  const mark = marks.get(shortCutOf(key) ?? '');
  return mark === undefined ? key : markKey(family, mark);
}

/**
 * What is around once an inspection is believed: of virtual servers that are not as they should be, what it saw; of the others
 * what was known.
 */
export function corrected(known: Surroundings, seen: Surroundings, drifted: readonly string[]): Surroundings {
  const leaving = new Map(known.leaving);
  const foreign = new Map(known.foreign);
  const marks = new Map(known.marks);
  for (const key of drifted) {
    copy(key, seen.leaving, leaving);
    copy(key, seen.foreign, foreign);
    const name = shortCutOf(key);
    if (name !== undefined) copy(name, seen.marks, marks);
  }
  // Which mark a short cut without a trace will get, nobody knows yet.
  const inUse = new Set(marks.values());
  for (const key of new Set([...foreign.keys(), ...seen.foreign.keys()])) {
    const server = parseServerKey(key);
    if (server !== undefined && 'mark' in server && !inUse.has(server.mark)) copy(key, seen.foreign, foreign);
  }
  return { leaving, foreign, marks };
}

function copy<V>(key: string, from: ReadonlyMap<string, V>, to: Map<string, V>): void {
  const value = from.get(key);
  if (value === undefined) to.delete(key);
  else to.set(key, value);
}
