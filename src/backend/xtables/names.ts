import type { ObjectId } from '../rules.ts';

/** The tables that hold rules of ours or, in `mangle`, a chain that kube-proxy leaves behind. */
export const TABLES = ['filter', 'nat', 'mangle'] as const;

export type Table = (typeof TABLES)[number];

export const BUILT_IN_CHAINS: ReadonlySet<string> = new Set([
  'PREROUTING',
  'INPUT',
  'FORWARD',
  'OUTPUT',
  'POSTROUTING',
]);

/** Patterns for where a write by others concerns us: our chains, and those with the jumps into them. */
export const WATCHED_CHAINS: readonly string[] = ['KUBE-.*', ...BUILT_IN_CHAINS];

/** Which chains belong to a backend, by table and name; of built-in chains it has the jumps to those. */
export type ChainOwnership = (table: Table, chain: string) => boolean;

export function objectId(table: Table, chain: string): ObjectId {
  return `${table} ${chain}`;
}

export function splitObjectId(id: ObjectId): { readonly table: Table; readonly chain: string } {
  const space = id.indexOf(' ');
  return { table: id.slice(0, space) as Table, chain: id.slice(space + 1) };
}

export function isBuiltIn(id: ObjectId): boolean {
  return BUILT_IN_CHAINS.has(splitObjectId(id).chain);
}
