import type { ChangeSet, ObjectChange, RuleObject } from '../rules.ts';
import { isBuiltIn, objectId, splitObjectId, TABLES } from './names.ts';

/** Rules that a change writes, or chains where it writes none: what its size in the kernel's eyes grows with. */
export function sizeOf(change: ChangeSet): number {
  return change.objects.reduce((sum, object) => sum + 1 + linesOf(object.after).length, 0);
}

/** The same change, a part for each table: what fails then has not been written at all. */
export function byTable(change: ChangeSet): readonly ChangeSet[] {
  return TABLES.map((table) => ({
    objects: change.objects.filter(({ id }) => splitObjectId(id).table === table),
    members: [],
  })).filter(({ objects }) => objects.length > 0);
}

/**
 * The same change in parts of at most `size` (single chains may be larger), in an order in which every part can be applied
 * once those before it are: a chain comes after those it jumps to, and goes before them.
 */
export function splitChange(change: ChangeSet, size: number): readonly ChangeSet[] {
  const parts: ObjectChange[][] = [];
  let room = 0;
  for (const object of inOrder(change.objects)) {
    const cost = 1 + linesOf(object.after).length;
    if (parts.length === 0 || cost > room) {
      parts.push([]);
      room = size;
    }
    parts.at(-1)?.push(object);
    room -= cost;
  }
  return parts.map((objects) => ({ objects, members: [] }));
}

function inOrder(objects: readonly ObjectChange[]): readonly ObjectChange[] {
  const stays = (object: ObjectChange): boolean => object.after !== undefined || isBuiltIn(object.id);
  const made = dependenciesFirst(objects.filter(stays), (object) => object.after);
  const gone = dependenciesFirst(
    objects.filter((object) => !stays(object)),
    (object) => object.before,
  );
  return [...made, ...gone.toReversed()];
}

function dependenciesFirst(
  objects: readonly ObjectChange[],
  side: (object: ObjectChange) => RuleObject | undefined,
): readonly ObjectChange[] {
  const pending = new Map(objects.map((object) => [object.id, object]));
  const sorted: ObjectChange[] = [];
  const visit = (object: ObjectChange): void => {
    pending.delete(object.id);
    const { table } = splitObjectId(object.id);
    for (const line of linesOf(side(object))) {
      const target = /(?:^| )-[jg] (\S+)/.exec(line)?.[1] ?? '';
      const next = pending.get(objectId(table, target));
      if (next !== undefined) visit(next);
    }
    sorted.push(object);
  };
  for (const object of objects) if (pending.has(object.id)) visit(object);
  return sorted;
}

function linesOf(object: RuleObject | undefined): readonly string[] {
  return object?.ordered === true ? object.lines : [];
}
