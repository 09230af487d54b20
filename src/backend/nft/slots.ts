/**
 * A pool is a set of endpoints; the kernel wants it as an array, because `numgen random mod M` picks an index. Which endpoint
 * has which index means nothing, so it is no part of the rule set: it is decided here, when a change is written, such that an
 * endpoint more or less costs an element or two however large the pool is.
 */
export type Slots = readonly string[];

/** Stands for a slot without an endpoint. */
export const MISSING_SLOT = '';

/** Pools up to this size have as many slots as endpoints. */
const DENSE_SIZE = 32;

/**
 * How many slots are picked from. Another number is another verdict, for which the kernel checks every verdict there is, so
 * large pools have up to a 16th more slots than endpoints and seldom change it. A packet that meets an empty slot picks again.
 */
export function slotCount(endpoints: number): number {
  if (endpoints <= DENSE_SIZE) return endpoints;
  const step = 2 ** (Math.ceil(Math.log2(endpoints)) - 5);
  return Math.ceil(endpoints / step) * step;
}

/** Can pools with so many slots have empty ones? */
export function hasEmptySlots(count: number): boolean {
  return count > DENSE_SIZE;
}

/** A new pool is in order, and most stay as they are: their slots need not be remembered. */
export function isInOrder(slots: Slots, endpoints: readonly string[]): boolean {
  return slots.length === endpoints.length && slots.every((endpoint, i) => endpoint === endpoints[i]);
}

/** Can every packet find an endpoint, and every endpoint be found? The first slot is where a packet goes that met empty ones only. */
export function isUsable(slots: Slots): boolean {
  const endpoints = slots.reduce((count, endpoint) => (endpoint === MISSING_SLOT ? count : count + 1), 0);
  return slots.length <= slotCount(endpoints) && slots[0] !== MISSING_SLOT;
}

/** One element to take away or to put: `index` is the slot, `endpoint` its data. */
export interface SlotOperation {
  readonly index: number;
  readonly endpoint: string;
}

export interface SlotChange {
  readonly slots: Slots;
  /** How many slots are picked from afterwards. */
  readonly count: number;
  readonly removed: readonly SlotOperation[];
  readonly added: readonly SlotOperation[];
}

/**
 * Turns the slots of a pool into slots for another set of endpoints. New endpoints take the places of those that left;
 * then those move that have a place too far back.
 *
 * @param before sorted; what is in `slots`, in any order.
 * @param after sorted, without duplicates.
 */
export function reassignSlots(slots: Slots, before: readonly string[], after: readonly string[]): SlotChange {
  const count = slotCount(after.length);
  const { gone, come } = difference(before, after);
  const draft = new SlotDraft(slots);
  for (const index of indexesOf(slots, gone)) draft.put(index, MISSING_SLOT);
  const movers: number[] = [];
  for (let index = slots.length - 1; index >= count; index--) if (draft.at(index) !== MISSING_SLOT) movers.push(index);
  let hole = 0;
  const place = (endpoint: string): void => {
    while (draft.at(hole) !== MISSING_SLOT) hole++;
    draft.put(hole, endpoint);
  };
  for (const endpoint of come) place(endpoint);
  const move = (index: number): void => {
    const endpoint = draft.at(index);
    draft.put(index, MISSING_SLOT);
    place(endpoint);
  };
  for (const index of movers) move(index);
  if (after.length > 0 && draft.at(0) === MISSING_SLOT) move(draft.lastIndex);
  return { ...draft.finish(), count };
}

class SlotDraft {
  readonly #before: Slots;
  readonly #slots: string[];
  readonly #touched = new Set<number>();

  constructor(before: Slots) {
    this.#before = before;
    this.#slots = before.slice();
  }

  at(index: number): string {
    return this.#slots[index] ?? MISSING_SLOT;
  }

  put(index: number, endpoint: string): void {
    this.#slots[index] = endpoint;
    this.#touched.add(index);
  }

  get lastIndex(): number {
    return this.#slots.findLastIndex((endpoint) => endpoint !== MISSING_SLOT);
  }

  finish(): Pick<SlotChange, 'slots' | 'removed' | 'added'> {
    this.#slots.length = this.lastIndex + 1;
    const removed: SlotOperation[] = [];
    const added: SlotOperation[] = [];
    for (const index of [...this.#touched].sort((a, b) => a - b)) {
      const old = this.#before[index] ?? MISSING_SLOT;
      const now = this.at(index);
      if (old === now) continue;
      if (old !== MISSING_SLOT) removed.push({ index, endpoint: old });
      if (now !== MISSING_SLOT) added.push({ index, endpoint: now });
    }
    return { slots: this.#slots, removed, added };
  }
}

/** Of two sorted lists; {@link MISSING_SLOT} counts for nothing. */
function difference(
  before: readonly string[],
  after: readonly string[],
): { readonly gone: readonly string[]; readonly come: readonly string[] } {
  const gone: string[] = [];
  const come: string[] = [];
  let next = 0;
  for (const old of before) {
    if (old === MISSING_SLOT) continue;
    let now = after[next];
    while (now !== undefined && now !== old && now < old) {
      come.push(now);
      now = after[++next];
    }
    if (now === old) next++;
    else gone.push(old);
  }
  for (; next < after.length; next++) come.push(after[next] ?? MISSING_SLOT);
  return { gone, come };
}

/** So many are searched for one by one; an index of a large pool costs more than that. */
const FEW = 8;

/** Where the endpoints are; the last place of one that is there more than once, then the one before. */
function indexesOf(slots: Slots, endpoints: readonly string[]): readonly number[] {
  if (endpoints.length === 0) return [];
  const few = endpoints.length <= FEW && new Set(endpoints).size === endpoints.length;
  if (few) return endpoints.map((endpoint) => slots.lastIndexOf(endpoint)).filter((index) => index >= 0);
  const places = new Map<string, number[]>();
  slots.forEach((endpoint, index) => {
    const known = places.get(endpoint);
    if (known === undefined) places.set(endpoint, [index]);
    else known.push(index);
  });
  return endpoints.flatMap((endpoint) => places.get(endpoint)?.pop() ?? []);
}
