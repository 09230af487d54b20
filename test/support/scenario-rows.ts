import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { Protocol } from '../../src/model/service.ts';
import { PROTOCOLS } from '../../src/model/service.ts';

/** What becomes of a packet. `servers`: it is answered by one of them, and with enough packets by each. */
export type Result =
  | { readonly kind: 'servers'; readonly servers: readonly string[] }
  /** The client is told at once. */
  | { readonly kind: 'refused' }
  /** It vanishes on the node. */
  | { readonly kind: 'drop' }
  /** It goes on as if there were no Services: to the node itself, or out by the default route. */
  | { readonly kind: 'pass' };

/** Is the client's address replaced? `hairpin`: only where the server is the client itself. `-`: does not show. */
export type Masquerade = 'no' | 'yes' | 'hairpin' | '-';

/**
 * `sticky`: a client of a service port stays with the server that it had, as long as that one is listed. `forgotten`: of
 * all clients so marked since the last step, one at least gets another server than it had.
 */
export type Affinity = 'sticky' | 'forgotten';

/** One line of a `packets.txt`; a line with lists (`tcp,udp`) makes several. */
export interface Row {
  /** The line of the file, for messages. */
  readonly text: string;
  readonly from: string;
  readonly protocol: Protocol;
  /** A name or an address, see {@link file://./scenario-addresses.ts}. */
  readonly to: string;
  readonly port: number;
  readonly result: Result;
  readonly masquerade: Masquerade;
  readonly affinity: Affinity | undefined;
  readonly families: readonly IpFamily[];
  /** Backends that the row holds for; `undefined` is all. */
  readonly backends: readonly string[] | undefined;
}

/** What happens between two groups of rows: `then apply FILE`, `then wait SECONDS`. */
export type Step = { readonly apply: string } | { readonly waitS: number };

/** Rows that are sent side by side, after the step. */
export interface Stage {
  readonly step: Step | undefined;
  readonly rows: readonly Row[];
}

const COLUMNS =
  /^(?<from>\S+)\s+(?<protocols>\S+)\s+(?<to>\S+)\s+→\s+(?<result>\S+)\s+(?<masquerade>no|yes|hairpin|-)(?:\s+(?<affinity>sticky|forgotten))?(?:\s+\[(?<only>[^\]]+)\])?$/;
const STEP = /^then (?:apply (?<file>\S+)|wait (?<seconds>\d+) s)$/;

/** All backends that rows may name, whether or not they exist yet. */
const BACKEND_NAMES = ['nft', 'iptables', 'ipvs'];

/** Parses a `packets.txt`. @throws {Error} with file and line. */
export function parsePackets(text: string, file: string): readonly Stage[] {
  const stages: { step: Step | undefined; rows: Row[] }[] = [{ step: undefined, rows: [] }];
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.replace(/(?:^|\s)#.*/, '').trim();
    if (line === '') continue;
    const step = parseStep(line);
    const rows = step === undefined ? parseRow(line) : [];
    if (typeof rows === 'string') throw new Error(`${file}:${index + 1}: ${rows}: ${line}`);
    if (step !== undefined) stages.push({ step, rows: [] });
    else stages.at(-1)?.rows.push(...rows);
  }
  return stages;
}

function parseStep(line: string): Step | undefined {
  const groups = STEP.exec(line)?.groups;
  if (groups === undefined) return undefined;
  const { file, seconds } = groups;
  return file === undefined ? { waitS: Number(seconds) } : { apply: file };
}

/** @returns what is wrong, as text, when the line is no row. */
function parseRow(line: string): readonly Row[] | string {
  const groups = COLUMNS.exec(line)?.groups;
  if (groups === undefined) return 'these are not the columns of a row';
  const { from = '', protocols = '', to = '', masquerade, affinity, only = '' } = groups;
  const result = parseResult(groups['result'] ?? '');
  if (result.kind !== 'servers' && masquerade !== '-') return 'nobody is there to see a masquerade';
  const words = only.split(' ').filter((word) => word !== '');
  const families = IP_FAMILIES.filter((family) => words.includes(family));
  const backends = BACKEND_NAMES.filter((name) => words.includes(name));
  if (families.length + backends.length !== words.length) return 'unknown condition';
  const rows: Row[] = [];
  for (const client of from.split(',')) {
    for (const destination of to.split(',')) {
      const target = parseDestination(destination);
      if (target === undefined) return 'a destination is ADDRESS:PORT';
      for (const name of protocols.split(',')) {
        const protocol = PROTOCOLS.find((known) => known === name);
        if (protocol === undefined) return 'unknown protocol';
        rows.push({
          text: line,
          from: client,
          protocol,
          ...target,
          result,
          masquerade: masquerade as Masquerade,
          affinity: affinity as Affinity | undefined,
          families: families.length === 0 ? IP_FAMILIES : families,
          backends: backends.length === 0 ? undefined : backends,
        });
      }
    }
  }
  return rows;
}

function parseResult(text: string): Result {
  if (text === 'refused' || text === 'drop' || text === 'pass') return { kind: text };
  return { kind: 'servers', servers: text.split('|').toSorted() };
}

function parseDestination(text: string): { to: string; port: number } | undefined {
  const [, bare, bracketed, port] = /^(?:([^[\]:]+)|\[([^[\]]+)\]):(\d+)$/.exec(text) ?? [];
  const to = bare ?? bracketed;
  return to === undefined ? undefined : { to, port: Number(port) };
}

/** Does the row say something about this backend in this family? */
export function concerns(row: Row, backend: string, family: IpFamily): boolean {
  return row.families.includes(family) && (row.backends === undefined || row.backends.includes(backend));
}

/** One packet of a row: `IPv4 pod-a tcp cluster-ip:80`. */
export function describePacket({ from, protocol, to, port }: Row, family: IpFamily): string {
  return `${family} ${from} ${protocol} ${to}:${port}`;
}

/** The row as it was written, and which of its packets is meant. */
export function describeRow(row: Row, family: IpFamily): string {
  return `${row.text}\n    (${describePacket(row, family)})`;
}
