import { setImmediate as nextTurn } from 'node:timers/promises';
import { PersistentMap } from './persistent-map.ts';

/** A long computation that can be put aside: at each `yield` somebody else may go first. */
export type Steps<T> = Generator<undefined, T>;

/** Longer than a step takes, shorter than anybody notices. */
const SLICE_MS = 10;

/** Loops over many small things yield after so many. */
export const ITEMS_PER_STEP = 500;

/** The result, without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** The result, computed in slices of a few milliseconds between which the event loop turns. */
export async function inSlices<T>(steps: Steps<T>, sliceMs = SLICE_MS): Promise<T> {
  for (;;) {
    const endMs = performance.now() + sliceMs;
    do {
      const { done, value } = steps.next();
      if (done === true) return value;
    } while (performance.now() < endMs);
    await nextTurn();
  }
}

/** `PersistentMap.of` in steps. */
export function* mapInSteps<V>(entries: Iterable<readonly [string, V]>): Steps<PersistentMap<V>> {
  let map = PersistentMap.empty<V>();
  let batch: (readonly [string, V])[] = [];
  const put = (): void => {
    map = map.update((draft) => {
      for (const [key, value] of batch) draft.set(key, value);
    });
    batch = [];
  };
  for (const entry of entries) {
    if (batch.push(entry) < ITEMS_PER_STEP) continue;
    put();
    yield;
  }
  put();
  return map;
}
