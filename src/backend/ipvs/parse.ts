import { linesIn } from '../../base/lines.ts';
import { PersistentMap } from '../../base/persistent-map.ts';
import type { Steps } from '../../base/steps.ts';
import { ITEMS_PER_STEP, mapInSteps } from '../../base/steps.ts';
import type { Cidr, IpFamily } from '../../model/address.ts';
import { cidrContains, familyOf, parseIpAddress } from '../../model/address.ts';
import type { ObjectId, RuleObject } from '../rules.ts';
import type { ServerKey, SetName } from './names.ts';
import {
  ADDRESSES,
  familyOfServer,
  parseServerKey,
  setId,
  setKey,
  setName,
  SET_NAMES,
  shortCutKey,
  swapSetName,
} from './names.ts';
import type { Marks } from './marks.ts';
import { isMark, markInPrio } from './marks.ts';
import { destinationLine, LEAVING } from './servers.ts';

type Members = PersistentMap<readonly string[]>;

/** Chosen by the kernel, or grown with the set. */
const VARIABLE = / (?:hashsize \d+|bucketsize \d+|initval 0x[0-9a-f]+)/g;

/** Our ipsets of one family in the output of `ipset save`, kube-proxy's under the same names included; in steps. */
export function* parseSets(text: string, family: IpFamily): Steps<ReadonlyMap<ObjectId, RuleObject>> {
  const names = new Set([...SET_NAMES.map((name) => setName(family, name)), swapSetName(family)]);
  const sets = new Map<string, { definition: string; entries: [string, readonly string[]][] }>();
  let seen = 0;
  for (const line of linesIn(text)) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    const [, verb, name = '', rest = ''] = /^(create|add) (\S+) (.*)$/.exec(line) ?? [];
    if (verb === undefined || !names.has(name)) continue;
    if (verb === 'create') sets.set(name, { definition: rest.trim().replaceAll(VARIABLE, ''), entries: [] });
    else sets.get(name)?.entries.push(parseEntry(rest));
  }
  const objects = new Map<ObjectId, RuleObject>();
  for (const [name, { definition, entries }] of sets) {
    objects.set(`set ${name}`, { ordered: false, definition, members: yield* mapInSteps(entries) });
  }
  return objects;
}

function parseEntry(rest: string): [string, readonly string[]] {
  const space = rest.indexOf(' ');
  return space < 0 ? [rest, []] : [rest.slice(0, space), [rest.slice(space + 1)]];
}

const SHORT_CUT_DATA = /^comment "([^"]*)" (?:skbmark (0x[0-9a-f]+)|skbprio ([0-9a-f]+):([0-9a-f]+))$/;

/** Takes the marks out of the entries of {@link SETS.shortCut}: rule sets have names in their place. */
export function parseMarks(
  objects: ReadonlyMap<ObjectId, RuleObject>,
  family: IpFamily,
  masqueradeBit?: number,
): { readonly marks: Marks; readonly objects: ReadonlyMap<ObjectId, RuleObject> } {
  const id = setId(family, 'shortCut');
  const set = objects.get(id);
  const marks = new Map<string, number>();
  if (set === undefined || set.ordered) return { marks, objects };
  const members = set.members.update((draft) => {
    for (const [key, [data = '']] of set.members) {
      const [whole, name = '', text, major = '', minor = ''] = SHORT_CUT_DATA.exec(data) ?? [];
      const mark = text === undefined ? markInPrio(major, minor) : Number(text);
      // One that is not as we would make it (the bit for masquerade was another then) is written anew.
      if (
        whole === undefined ||
        (masqueradeBit !== undefined && !isMark(mark, masqueradeBit)) ||
        (marks.get(name) ?? mark) !== mark
      )
        continue;
      marks.set(name, mark);
      // Without it the entry is half made, and differs from every other.
      if (text !== undefined) draft.set(key, [`comment "${name}"`]);
    }
  });
  return { marks, objects: new Map([...objects, [id, { ...set, members }]]) };
}

/** The addresses of one family in the output of `ip -o address show dev kube-ipvs0`. */
export function parseAddresses(text: string, family: IpFamily): RuleObject {
  const addresses = Array.from(text.matchAll(/ inet6? ([^ /]+)\//g), ([, address = '']) => parseIpAddress(address));
  const own = addresses.filter((address) => address !== undefined && familyOf(address) === family);
  // The kernel's own one, where the device was up once.
  const ours = own.filter((address) => address?.startsWith('fe80:') === false);
  return { ordered: false, definition: '', members: PersistentMap.of(ours.map((address) => [String(address), []])) };
}

/** The virtual servers of one family. */
export interface ParsedServers {
  readonly own: Members;
  /** Destinations of own servers that get no new connections any more (weight 0); they are not in `own`. */
  readonly leaving: ReadonlyMap<string, ReadonlySet<string>>;
  /** What others have, in the terms of `own`. */
  readonly foreign: ReadonlyMap<string, readonly string[]>;
}

/** Reads the output of `ipvsadm --save --numeric`, in steps. */
export function* parseServers(text: string, traces: Traces): Steps<ParsedServers> {
  const { family } = traces;
  const names = new Map([...traces.marks].map(([name, mark]) => [mark, name]));
  const isOwn = ownershipFrom(traces);
  const servers = new Map<string, { own: boolean; flags: string; destinations: string[]; leaving: Set<string> }>();
  let seen = 0;
  for (const line of linesIn(text)) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    const [, verb, native = '', rest = ''] = /^-([Aa]) (\S+ \S+(?: -6)?)(?: (.*))?$/.exec(line.trimEnd()) ?? [];
    const parsed = verb === undefined ? undefined : parseServerKey(native);
    if (parsed === undefined || familyOfServer(parsed) !== family) continue;
    const name = 'mark' in parsed ? names.get(parsed.mark) : undefined;
    const key = name === undefined ? native : shortCutKey(name);
    if (verb === 'A') {
      servers.set(key, { own: isOwn(parsed), flags: rest, destinations: [], leaving: new Set() });
      continue;
    }
    const server = servers.get(key);
    const [, address = '', options = ''] = /^-r (\S+) (.*)$/.exec(rest) ?? [];
    if (options === LEAVING && server?.own === true) server.leaving.add(address);
    else server?.destinations.push(destinationLine(address, options));
  }
  const lines = (own: boolean): [string, readonly string[]][] =>
    [...servers]
      .filter(([, server]) => server.own === own)
      .map(([key, { flags, destinations }]) => [key, [flags, ...destinations.toSorted()]]);
  return {
    own: yield* mapInSteps(lines(true)),
    foreign: new Map(lines(false)),
    leaving: new Map(
      [...servers].filter(([, { leaving }]) => leaving.size > 0).map(([key, { leaving }]) => [key, leaving]),
    ),
  };
}

/** What tells our virtual servers, or kube-proxy's, from those of others. */
export interface Traces {
  readonly family: IpFamily;
  /** Sets and addresses as they were read. */
  readonly objects: ReadonlyMap<ObjectId, RuleObject>;
  readonly marks: Marks;
  readonly excludeCidrs: readonly Cidr[];
}

const DESTINATION_SETS = [
  'clusterIp',
  'loadBalancer',
  'externalIp',
  'externalIpLocal',
  'nodePortSctp',
] as const satisfies readonly SetName[];

const PORT_SETS = { tcp: 'nodePortTcp', udp: 'nodePortUdp' } as const;

/**
 * A virtual server has traces in our ipsets before it is made and until it is gone; one of kube-proxy has them too, or its
 * address is on our device. What has no trace belongs to somebody else, and so does what has none of ours and lies in
 * `excludeCidrs`.
 */
function ownershipFrom({ family, objects, marks, excludeCidrs }: Traces): (key: ServerKey) => boolean {
  const membersOf = (id: ObjectId): Members => {
    const object = objects.get(id);
    return object === undefined || object.ordered ? PersistentMap.empty() : object.members;
  };
  const has = (set: SetName, key: string): boolean => membersOf(setId(family, set)).has(key);
  const ownMarks = new Set(marks.values());
  return (server) => {
    if ('mark' in server) return ownMarks.has(server.mark);
    const { protocol, address, port } = server;
    const key = setKey(protocol, address, port);
    if (has('names', key)) return true;
    if (excludeCidrs.some((cidr) => familyOf(cidr) === family && cidrContains(cidr, address))) return false;
    return (
      membersOf(ADDRESSES).has(address) ||
      DESTINATION_SETS.some((set) => has(set, key)) ||
      (protocol !== 'sctp' && has(PORT_SETS[protocol], String(port)))
    );
  };
}
