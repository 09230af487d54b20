import type { ChangeSet, RuleObject } from '../rules.ts';
import { isBuiltIn, splitObjectId } from './names.ts';

/** A change as lines that start with `+ ` or `- `, in the words of `iptables-save` with the table before them. */
export function explainChains(change: ChangeSet): readonly string[] {
  const lines: string[] = [];
  for (const { id, before, after } of change.objects) {
    const { table, chain } = splitObjectId(id);
    if (after === undefined && !isBuiltIn(id)) lines.push(`- ${table} -N ${chain}`);
    if (before === undefined && !isBuiltIn(id)) lines.push(`+ ${table} -N ${chain}`);
    for (const { sign, line } of difference(linesOf(before), linesOf(after))) {
      lines.push(`${sign} ${table} -A ${chain} ${line}`);
    }
  }
  return lines;
}

function linesOf(object: RuleObject | undefined): readonly string[] {
  return object?.ordered === true ? object.lines : [];
}

interface Step {
  readonly sign: '+' | '-';
  readonly line: string;
}

/** Tables of common subsequences grow with the product of the lengths; chains beyond this are shown old, then new. */
const COMPARABLE_CELLS = 1_000_000;

/** What to take away and put in, in place: a rule that only moved is shown at both places. */
function difference(before: readonly string[], after: readonly string[]): readonly Step[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const shorter = Math.min(before.length, after.length) - start;
  while (end < shorter && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const old = before.slice(start, before.length - end);
  const now = after.slice(start, after.length - end);
  if (old.length * now.length <= COMPARABLE_CELLS) return shortestEdit(old, now);
  return [...old.map((line): Step => ({ sign: '-', line })), ...now.map((line): Step => ({ sign: '+', line }))];
}

function shortestEdit(old: readonly string[], now: readonly string[]): readonly Step[] {
  const width = now.length + 1;
  // common[i * width + j]: length of the longest common subsequence of old from i and now from j.
  const common = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      common[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      i++;
      j++;
    } else if (j === now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) {
      steps.push({ sign: '-', line: old[i++] ?? '' });
    } else {
      steps.push({ sign: '+', line: now[j++] ?? '' });
    }
  }
  return steps;
}
