import type { ChangeSet, ObjectChange, ObjectId, RuleObject } from '../rules.ts';
import type { Table } from './names.ts';
import { isBuiltIn, splitObjectId, TABLES } from './names.ts';

const NOTHING_HELD: ReadonlySet<ObjectId> = new Set();

/** The lines of one table, in the order in which `iptables-restore` has to see them. */
interface TableInput {
  /** `:CHAIN` makes a chain or empties it, so that afterwards all can be jumped to and none is in the way. */
  readonly declare: string[];
  readonly unhook: string[];
  readonly fill: string[];
  readonly hook: string[];
  readonly remove: string[];
}

/**
 * A change as input for `iptables-restore --noflush`, which applies each table in one step. Built-in chains are never declared:
 * their policy and counters are not ours.
 *
 * @param held chains that others jump to: they are emptied, because they cannot be removed.
 */
export function encodeChange(change: ChangeSet, held: ReadonlySet<ObjectId> = NOTHING_HELD): string {
  const tables = new Map<Table, TableInput>();
  for (const object of change.objects) {
    const { table } = splitObjectId(object.id);
    let input = tables.get(table);
    if (input === undefined) tables.set(table, (input = { declare: [], unhook: [], fill: [], hook: [], remove: [] }));
    if (isBuiltIn(object.id)) encodeJumps(object, input);
    else encodeChain(object, input, held);
  }
  return TABLES.map((table) => encodeTable(table, tables.get(table))).join('');
}

function encodeTable(table: Table, input: TableInput | undefined): string {
  if (input === undefined) return '';
  const { declare, unhook, fill, hook, remove } = input;
  return [`*${table}`, ...declare, ...unhook, ...fill, ...hook, ...remove, 'COMMIT', ''].join('\n');
}

function encodeChain({ id, after }: ObjectChange, input: TableInput, held: ReadonlySet<ObjectId>): void {
  const { chain } = splitObjectId(id);
  input.declare.push(`:${chain} - [0:0]`);
  for (const line of linesOf(after)) input.fill.push(`-A ${chain} ${line}`);
  if (after === undefined && !held.has(id)) input.remove.push(`-X ${chain}`);
}

/** All of them are put anew on top, so that their order is right whatever was there. */
function encodeJumps({ id, before, after }: ObjectChange, input: TableInput): void {
  const { chain } = splitObjectId(id);
  for (const line of linesOf(before)) input.unhook.push(`-D ${chain} ${line}`);
  for (const line of linesOf(after).toReversed()) input.hook.push(`-I ${chain} ${line}`);
}

function linesOf(object: RuleObject | undefined): readonly string[] {
  return object?.ordered === true ? object.lines : [];
}
