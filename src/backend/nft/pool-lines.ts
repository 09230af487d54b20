import type { Target } from '../../compiler/plan.ts';

/** Pools up to this size are spelled anew faster than they are looked up. */
const SMALL_POOL = 32;

/** Beyond this a new spelling is cheaper. */
const MAX_EDITS = 64;

/** The spelling of large pools, for as long as these are in use. */
const spelled = new WeakMap<readonly Target[], readonly string[]>();

/** `10.244.1.7 . 8080` for each target, sorted. What `previous` has in common with it is not spelled or sorted again. */
export function poolLines(targets: readonly Target[], previous?: readonly Target[]): readonly string[] {
  if (targets.length <= SMALL_POOL) return spell(targets);
  const known = spelled.get(targets);
  if (known !== undefined) return known;
  const before = previous === undefined ? undefined : spelled.get(previous);
  const patched = before === undefined || previous === undefined ? undefined : patch(before, previous, targets);
  const lines = patched ?? spell(targets);
  spelled.set(targets, lines);
  return lines;
}

function spell(targets: readonly Target[]): readonly string[] {
  return targets.map(lineOf).sort();
}

function lineOf({ address, port }: Target): string {
  return `${address} . ${port}`;
}

/** The lines of `targets`, made from those of `previous`; `undefined` when the two have too little in common. */
function patch(
  lines: readonly string[],
  previous: readonly Target[],
  targets: readonly Target[],
): readonly string[] | undefined {
  const edits = editsBetween(previous, targets);
  if (edits === undefined) return undefined;
  const patched = [...lines];
  for (const target of edits.gone) patched.splice(placeOf(lineOf(target), patched), 1);
  for (const target of edits.come) patched.splice(placeOf(lineOf(target), patched), 0, lineOf(target));
  return patched;
}

/** Targets in one list only; neither has one twice. A target that both have is the same object in both, in the same order. */
function editsBetween(
  before: readonly Target[],
  after: readonly Target[],
): { readonly gone: readonly Target[]; readonly come: readonly Target[] } | undefined {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let end = 0;
  const rest = Math.min(before.length, after.length) - start;
  while (end < rest && before.at(-1 - end) === after.at(-1 - end)) end++;
  const [left, right] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (Math.abs(left.length - right.length) > MAX_EDITS) return undefined;
  const [old, now] = [new Set(left), new Set(right)];
  const gone = left.filter((target) => !now.has(target));
  const come = right.filter((target) => !old.has(target));
  return gone.length + come.length > MAX_EDITS ? undefined : { gone, come };
}

/** Where the line is in the sorted list, or belongs. */
function placeOf(line: string, lines: readonly string[]): number {
  let low = 0;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lines[middle] ?? '') < line) low = middle + 1;
    else high = middle;
  }
  return low;
}
