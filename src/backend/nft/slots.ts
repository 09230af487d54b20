/**
 * A pool is a set of endpoints; the kernel wants it as an array, because `numgen random mod N` picks an index. Which endpoint
 * has which index means nothing, so it is no part of the rule set: it is decided here, when a change is written, such that an
 * endpoint less costs one moved element however large the pool is.
 */
export type Slots = readonly string[];

/** Stands for a slot that the kernel should have but has not, after somebody else's hand was in the map. */
export const MISSING_SLOT = '';

/** One element to take away or to put: `index` is the slot, `endpoint` its data. */
export interface SlotOperation {
  readonly index: number;
  readonly endpoint: string;
}

export interface SlotChange {
  readonly slots: Slots;
  readonly removed: readonly SlotOperation[];
  readonly added: readonly SlotOperation[];
}

/**
 * Turns the slots of a pool into slots for another set of endpoints. New endpoints take the places of those that left;
 * places still empty are filled from the end, so the result is dense.
 */
export function reassignSlots(before: Slots, wanted: readonly string[]): SlotChange {
  // Each wanted endpoint keeps one place, also when somebody else's hand put it into two.
  const missing = new Set(wanted);
  const kept = before.map((endpoint) => (missing.delete(endpoint) ? endpoint : undefined));
  const newcomers = wanted.filter((endpoint) => missing.has(endpoint));
  const slots = kept.map((endpoint) => endpoint ?? newcomers.shift());
  slots.push(...newcomers);
  for (let hole = slots.indexOf(undefined); hole >= 0; hole = slots.indexOf(undefined, hole)) {
    const last = slots.pop();
    if (hole < slots.length) slots[hole] = last;
  }
  const after = slots as string[];
  const removed: SlotOperation[] = [];
  const added: SlotOperation[] = [];
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const old = before[index];
    const now = after[index];
    if (old === now) continue;
    if (old !== undefined && old !== MISSING_SLOT) removed.push({ index, endpoint: old });
    if (now !== undefined) added.push({ index, endpoint: now });
  }
  return { slots: after, removed, added };
}
