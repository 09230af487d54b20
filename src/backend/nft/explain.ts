import { equalData } from '../../base/equal.ts';
import type { ChangeSet, RuleObject } from '../rules.ts';

/** A change as lines that start with `+ ` or `- `, in the words of `nft list`, grouped by object. */
export function explainNft(change: ChangeSet): readonly string[] {
  const lines: string[] = [];
  for (const { id, before, after } of change.objects) {
    if (before === undefined || after === undefined) lines.push(`${after === undefined ? '-' : '+'} ${id}`);
    lines.push(...difference(id, contentOf(before), contentOf(after)));
  }
  for (const { id, key, before, after } of change.members) {
    const spell = (data: readonly string[] | undefined): readonly string[] =>
      data === undefined ? [] : elements(key, data);
    lines.push(...difference(id, spell(before), spell(after)));
  }
  return lines;
}

function contentOf(object: RuleObject | undefined): readonly string[] {
  if (object === undefined) return [];
  if (object.ordered) return object.lines;
  return [...object.members].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, data]) => elements(key, data));
}

function elements(key: string, data: readonly string[]): readonly string[] {
  return data.length === 0
    ? [key]
    : data.map((line) => `${key}${line.startsWith(':') || line.startsWith('comment') ? ' ' : ' : '}${line}`);
}

function difference(id: string, before: readonly string[], after: readonly string[]): readonly string[] {
  const old = new Set(before);
  const now = new Set(after);
  const gone = before.filter((line) => !now.has(line));
  const come = after.filter((line) => !old.has(line));
  // The same rules in another order.
  const moved = gone.length === 0 && come.length === 0 && !equalData(before, after);
  return [
    ...(moved ? before : gone).map((line) => `- ${id}  ${line}`),
    ...(moved ? after : come).map((line) => `+ ${id}  ${line}`),
  ];
}
