/**
 * A copy that takes no more room than it needs, for lists that are kept: V8 gives one that grew item by item 17 places. The one
 * empty list for all that are empty.
 */
export function compact<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? EMPTY : list.slice();
}

const EMPTY: readonly never[] = [];
