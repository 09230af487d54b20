import type { IpAddress, IpFamily } from '../../model/address.ts';
import { addressBytes, familyOf } from '../../model/address.ts';
import type { Piece } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import type { Table } from '../xtables/names.ts';
import { objectId } from '../xtables/names.ts';
import type { RuleHead } from '../xtables/text.ts';
import { destinationPort, rule } from '../xtables/text.ts';

/**
 * A list that would have an entry per destination is cut into a tree of three levels, so that a packet meets some 16 + 16 + n/256
 * rules instead of n, and a change rewrites one leaf. Only chains that something is in exist: jumps to them are pieces which
 * all users share.
 */
export interface BucketTree {
  readonly table: Table;
  /** The chain at the top. */
  readonly root: string;
  /** Of the names of the chains below, such as `KUBE-SVC-IP`. */
  readonly prefix: string;
}

export interface Leaf {
  readonly id: ObjectId;
  /** What leads from the root to the leaf. */
  readonly path: readonly Piece[];
}

/** By the low 8 bits of the address, in which the addresses of one range differ most. */
export function addressLeaf(tree: BucketTree, address: IpAddress, side: 'source' | 'destination'): Leaf {
  const family = familyOf(address);
  const low = addressBytes(address).at(-1) ?? 0;
  const high = low >>> 4;
  const upper = `${tree.prefix}-${hex(high)}`;
  const lower = upper + hex(low & 0x0f);
  const step = (from: string, to: string, mask: string): Piece => ({
    object: objectId(tree.table, from),
    key: `ip ${to}`,
    lines: [rule({ [side]: mask } satisfies RuleHead, `-j ${to}`)],
  });
  return {
    id: objectId(tree.table, lower),
    path: [
      step(tree.root, upper, lowByteMask(family, high << 4, 0xf0)),
      step(upper, lower, lowByteMask(family, low & 0x0f, 0x0f)),
    ],
  };
}

function hex(digit: number): string {
  return digit.toString(16).toUpperCase();
}

/** Matches addresses by bits of their last byte: `0.0.0.16/0.0.0.240`, `::10/::f0`. */
function lowByteMask(family: IpFamily, value: number, mask: number): string {
  if (family === 'IPv4') return `0.0.0.${value}/0.0.0.${mask}`;
  return `::${value === 0 ? '' : value.toString(16)}/::${mask.toString(16)}`;
}

/** The usual 2768 node ports need 6 upper and 87 lower chains of 32 ports each. */
const PORTS_PER_CHAIN = [512, 32] as const;

export interface PortEntry {
  readonly protocol: string;
  readonly port: number;
  /** A further condition, checked once at the top. */
  readonly match?: string;
}

/** By ranges of ports; protocols share the chains. */
export function portLeaf(tree: BucketTree, entry: PortEntry): Leaf {
  const { protocol, port, match = '' } = entry;
  const path: Piece[] = [];
  let from = tree.root;
  for (const size of PORTS_PER_CHAIN) {
    const first = port - (port % size);
    const to = `${tree.prefix}-${first}-${first + size - 1}`;
    const range = destinationPort(protocol, `${first}:${first + size - 1}`);
    path.push({
      object: objectId(tree.table, from),
      key: `port ${protocol} ${sortablePort(first)}`,
      lines: [rule({ protocol }, from === tree.root ? match : '', range, `-j ${to}`)],
    });
    from = to;
  }
  return { id: objectId(tree.table, from), path };
}

/** For keys that are sorted as text. */
export function sortablePort(port: number): string {
  return String(port).padStart(5, '0');
}
