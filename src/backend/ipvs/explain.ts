import type { ChangeSet } from '../rules.ts';
import { explainChains } from '../xtables/explain.ts';
import { isChain } from './encode.ts';
import { DEVICE, setOfObject, VIRTUAL_SERVERS } from './names.ts';
import { splitServer } from './servers.ts';

/** A change as lines that start with `+ ` or `- `, in the words of the tools that would write it. */
export function explainIpvs(change: ChangeSet): readonly string[] {
  const lines: string[] = [];
  for (const { id, before, after } of change.objects.filter((object) => !isChain(object.id))) {
    const set = setOfObject(id);
    if (set !== undefined && before?.definition !== after?.definition) {
      if (before !== undefined) lines.push(`- create ${set} ${before.definition}`);
      if (after !== undefined) lines.push(`+ create ${set} ${after.definition}`);
    }
    if (before !== undefined && !before.ordered) {
      for (const [key, old] of before.members) lines.push(...member(id, key, old).map((line) => `- ${line}`));
    }
    if (after !== undefined && !after.ordered) {
      for (const [key, now] of after.members) lines.push(...member(id, key, now).map((line) => `+ ${line}`));
    }
  }
  for (const { id, key, before, after } of change.members) {
    const old = before === undefined ? [] : member(id, key, before);
    const now = after === undefined ? [] : member(id, key, after);
    lines.push(...old.filter((line) => !now.includes(line)).map((line) => `- ${line}`));
    lines.push(...now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`));
  }
  return [
    ...lines.toSorted(bySubject),
    ...explainChains({ ...change, objects: change.objects.filter(({ id }) => isChain(id)) }),
  ];
}

/** What a member stands for, a line each. */
function member(id: string, key: string, lines: readonly string[]): readonly string[] {
  const set = setOfObject(id);
  if (set !== undefined) return [`add ${set} ${[key, ...lines].join(' ')}`];
  if (id !== VIRTUAL_SERVERS) return [`address add ${key} dev ${DEVICE}`];
  const { flags, destinations } = splitServer(lines);
  return [`-A ${key} ${flags}`, ...[...destinations].map(([address, options]) => `-a ${key} -r ${address} ${options}`)];
}

/** By what it is about, the old before the new. */
function bySubject(a: string, b: string): number {
  const [left, right] = [a, b].map((line) => `${line.slice(2)}${line[0] === '-' ? ' 0' : ' 1'}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
