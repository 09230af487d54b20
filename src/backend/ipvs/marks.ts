/**
 * Packet marks that lead to a virtual server of their own. Rule sets do not know them: there such a server is named after the
 * first destination that it is for ({@link file://./names.ts}), and which mark that has is decided when it is written, once. The
 * kernel keeps it, in the ipset that maps destinations to marks.
 *
 * A mark has 31 bits, because ipvsadm takes more for a negative number: 12 that are always {@link TAG}, and 18 of a number that
 * counts up. The bit that asks for masquerade is left out, wherever it is.
 */
export type Marks = ReadonlyMap<string, number>;

const TAG = 0x5a9;
const TAG_BITS = 12;
const NUMBER_BITS = 18;

/** Zero at the given bit, and everything from it on one further up. */
function withHole(value: number, bit: number): number {
  const unit = 2 ** bit;
  const low = value % unit;
  return (value - low) * 2 + low;
}

/** The mark with this number; 1 is the first. */
function markOf(number: number, masqueradeBit: number): number {
  return withHole(TAG * 2 ** NUMBER_BITS + number, masqueradeBit);
}

/** Could it be a mark of {@link markOf}? */
export function isMark(mark: number, masqueradeBit: number): boolean {
  const unit = 2 ** masqueradeBit;
  const low = mark % unit;
  const value = Math.floor(mark / (2 * unit)) * unit + low;
  return withHole(value, masqueradeBit) === mark && Math.floor(value / 2 ** NUMBER_BITS) === TAG;
}

/** `0x…/0x…`: what all our marks have in common. */
export function anyMark(masqueradeBit: number): string {
  const value = withHole(TAG * 2 ** NUMBER_BITS, masqueradeBit);
  const mask = withHole((2 ** TAG_BITS - 1) * 2 ** NUMBER_BITS, masqueradeBit);
  return `${hex(value)}/${hex(mask)}`;
}

/** Gives each name that has none the lowest mark that is free. */
export function allot(marks: Marks, names: readonly string[], masqueradeBit: number): Marks {
  const all = new Map(marks);
  const taken = new Set(marks.values());
  let number = 0;
  for (const name of names) {
    if (all.has(name)) continue;
    do number += 1;
    while (taken.has(markOf(number, masqueradeBit)));
    all.set(name, markOf(number, masqueradeBit));
  }
  return all;
}

/** A mark as the priority of an ipset's entry, which no rule of ours gives to packets: a place to keep it. */
export function prioOf(mark: number): string {
  return `skbprio ${Math.floor(mark / 2 ** 16).toString(16)}:${(mark % 2 ** 16).toString(16)}`;
}

/** The inverse of {@link prioOf}. */
export function markInPrio(major: string, minor: string): number {
  return Number.parseInt(major, 16) * 2 ** 16 + Number.parseInt(minor, 16);
}

/** As the kernel's tools print marks. */
export function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
