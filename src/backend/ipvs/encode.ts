import { equalData } from '../../base/equal.ts';
import type { IpFamily } from '../../model/address.ts';
import type { ChangeSet, ObjectChange, RuleObject } from '../rules.ts';
import type { Marks } from './marks.ts';
import { allot, hex, prioOf } from './marks.ts';
import type { SetName } from './names.ts';
import {
  ADDRESSES,
  DEVICE,
  SET_NAMES,
  setName,
  setOfObject,
  shortCutOf,
  swapSetName,
  VIRTUAL_SERVERS,
} from './names.ts';
import { LEAVING, splitServer } from './servers.ts';
import type { Surroundings } from './surroundings.ts';
import { nativeKey } from './surroundings.ts';

/** The tools, with what they are called to do with their standard input. */
export const TOOLS = {
  ipset: ['ipset', 'restore'],
  ipvsadm: ['ipvsadm', '--restore'],
  ip: ['ip', '-batch', '-'],
} as const;

export type Tool = keyof typeof TOOLS;

/** One call of a tool; `iptables` stands for everything that the change says about chains. */
export type Step = { readonly tool: Tool; readonly lines: readonly string[] } | { readonly tool: 'iptables' };

/** A change as batches, and what is around once they are written. */
export interface EncodedChange {
  readonly steps: readonly Step[];
  readonly after: Surroundings;
}

export interface EncodeInputs {
  readonly family: IpFamily;
  readonly masqueradeBit: number;
  readonly surroundings: Surroundings;
}

/**
 * A change as batches, make before break: what packets are led to before what leads them there, and the other way round for
 * what goes. Ipsets are made first and removed last, since rules refer to them and virtual servers are known by them.
 */
export function encodeChange(change: ChangeSet, inputs: EncodeInputs): EncodedChange {
  const { family, masqueradeBit, surroundings } = inputs;
  const servers = changesOf(change, VIRTUAL_SERVERS);
  const names = servers.flatMap(({ key }) => shortCutOf(key) ?? []);
  const marks = allot(surroundings.marks, names, masqueradeBit);
  const steps = encodeSteps(family, change, { ...surroundings, marks });
  const gone = new Set(servers.flatMap(({ key, after }) => (after === undefined ? (shortCutOf(key) ?? []) : [])));
  const kept = new Map([...marks].filter(([name]) => !gone.has(name)));
  return { steps, after: { ...surroundingsAfter(servers, { ...surroundings, marks }, family), marks: kept } };
}

function encodeSteps(family: IpFamily, change: ChangeSet, surroundings: Surroundings): readonly Step[] {
  const sets = encodeSets(family, change, surroundings.marks);
  const servers = encodeServers(family, change, surroundings);
  const addresses = encodeAddresses(family, change);
  const between: Step[] = [
    ...step('ip', addresses.add),
    ...(change.objects.some(({ id }) => isChain(id)) ? [{ tool: 'iptables' } as const] : []),
    ...step('ip', addresses.remove),
  ];
  const middle =
    between.length === 0
      ? step('ipvsadm', [...servers.add, ...servers.remove])
      : [...step('ipvsadm', servers.add), ...between, ...step('ipvsadm', servers.remove)];
  return [...step('ipset', sets.add), ...middle, ...step('ipset', [...sets.late, ...sets.remove])];
}

function step(tool: Tool, lines: readonly string[]): readonly Step[] {
  return lines.length === 0 ? [] : [{ tool, lines }];
}

/** Chains are for iptables; everything else is not. */
export function isChain(id: string): boolean {
  return setOfObject(id) === undefined && id !== VIRTUAL_SERVERS && id !== ADDRESSES;
}

interface Batch {
  readonly add: string[];
  readonly remove: string[];
}

interface SetBatch extends Batch {
  /** What must not hold before everything else is there. */
  readonly late: string[];
}

interface Member {
  readonly key: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
}

function membersOf(object: RuleObject | undefined): readonly (readonly [string, readonly string[]])[] {
  return object === undefined || object.ordered ? [] : [...object.members].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Members of one object that come, go or change, whether or not the object itself is new. */
function changesOf({ objects, members }: ChangeSet, id: string): readonly Member[] {
  const whole = objects.find((object) => object.id === id);
  if (whole === undefined) return members.filter((member) => member.id === id);
  return [
    ...membersOf(whole.before).map(([key, before]) => ({ key, before, after: undefined })),
    ...membersOf(whole.after).map(([key, after]) => ({ key, before: undefined, after })),
  ];
}

/** The virtual servers that the change is about. */
export function serversIn(change: ChangeSet): readonly string[] {
  return changesOf(change, VIRTUAL_SERVERS).map(({ key }) => key);
}

function encodeServers(family: IpFamily, change: ChangeSet, surroundings: Surroundings): Batch {
  const batch: Batch = { add: [], remove: [] };
  for (const { key, before, after } of changesOf(change, VIRTUAL_SERVERS)) {
    const name = nativeKey(family, key, surroundings.marks);
    if (after === undefined) batch.remove.push(`-D ${name}`);
    else {
      const known = { key, before: before ?? surroundings.foreign.get(name), after };
      const { add, remove } = encodeServer(name, known, surroundings.leaving.get(key));
      batch.add.push(...add);
      batch.remove.push(...remove);
    }
  }
  return batch;
}

/** Connections of TCP have an end that the kernel sees; those of other protocols are cut at once, as in kube-proxy. */
function isGraceful(key: string): boolean {
  return key.startsWith('-t ') || key.includes(',tcp:');
}

function encodeServer(
  name: string,
  { key, before, after }: Member & { readonly after: readonly string[] },
  leaving: ReadonlySet<string> | undefined,
): Batch {
  const { add, remove }: Batch = { add: [], remove: [] };
  const old = splitServer(before ?? []);
  const now = splitServer(after);
  if (before === undefined) add.push(`-A ${name} ${now.flags}`);
  else if (old.flags !== now.flags) add.push(`-E ${name} ${now.flags}`);
  for (const [address, options] of now.destinations) {
    const is = leaving?.has(address) === true ? LEAVING : old.destinations.get(address);
    if (is !== options) add.push(`${is === undefined ? '-a' : '-e'} ${name} -r ${address} ${options}`);
  }
  for (const address of old.destinations.keys()) {
    if (now.destinations.has(address)) continue;
    remove.push(isGraceful(key) ? `-e ${name} -r ${address} ${LEAVING}` : `-d ${name} -r ${address}`);
  }
  return { add, remove };
}

function encodeAddresses(family: IpFamily, change: ChangeSet): Batch {
  const bits = family === 'IPv4' ? 32 : 128;
  const batch: Batch = { add: [], remove: [] };
  const device = change.objects.find(({ id }) => id === ADDRESSES);
  if (device !== undefined && device.before === undefined) batch.add.push(`link add ${DEVICE} type dummy`);
  for (const { key, before, after } of changesOf(change, ADDRESSES)) {
    if (before === undefined) batch.add.push(`address add ${key}/${bits} dev ${DEVICE}`);
    else if (after === undefined) batch.remove.push(`address del ${key}/${bits} dev ${DEVICE}`);
  }
  return batch;
}

/**
 * Sets whose entries keep packets from being masqueraded: to endpoints elsewhere answers would not come back by this node.
 * `externalIpLocal` is none of them: rules read it after all that masquerades, and without its entry a packet would be refused.
 */
const KEEPS_SOURCE: ReadonlySet<SetName> = new Set([
  'loadBalancerLocal',
  'nodePortLocalTcp',
  'nodePortLocalUdp',
  'nodePortLocalSctp',
]);

function encodeSets(family: IpFamily, change: ChangeSet, marks: Marks): SetBatch {
  const batch: SetBatch = { add: [], late: [], remove: [] };
  const swap = swapSetName(family);
  if (change.objects.some(({ id }) => setOfObject(id) === swap)) batch.add.push(`destroy ${swap}`);
  const removals: (readonly string[])[] = [];
  for (const short of SET_NAMES) {
    const name = setName(family, short);
    const id = `set ${name}`;
    const whole = change.objects.find((object) => object.id === id);
    if (whole?.before !== undefined && whole.after !== undefined) {
      redeclare(name, swap, { whole, marks, batch });
      continue;
    }
    if (whole?.after !== undefined) batch.add.push(`create ${name} ${whole.after.definition}`);
    if (whole !== undefined && whole.after === undefined) {
      removals.push([`flush ${name}`, `destroy ${name}`]);
      continue;
    }
    const gone: string[] = [];
    const lines = KEEPS_SOURCE.has(short) ? { add: batch.late, remove: batch.add } : { add: batch.add, remove: gone };
    for (const member of changesOf(change, id)) {
      if (short === 'shortCut') encodeShortCut(name, member, { marks, add: batch.add, late: batch.late, remove: gone });
      else encodeEntry(name, member, lines);
    }
    removals.push(gone);
  }
  batch.remove.push(...removals.toReversed().flat());
  return batch;
}

/**
 * What the rule set says by name, the kernel needs as a mark. That leads packets somewhere, so it is written last; until then the
 * entry has it where no rule reads it, for whoever comes next to know what was begun.
 */
function encodeShortCut(
  name: string,
  { key, before, after }: Member,
  { marks, add, late, remove }: SetBatch & { readonly marks: Marks },
): void {
  const mark = marks.get(/"(.*)"/.exec(after?.[0] ?? '')?.[1] ?? '');
  if (after === undefined || mark === undefined) {
    encodeEntry(name, { key, before, after }, { add, remove });
    return;
  }
  encodeEntry(name, { key, before, after: [...after, prioOf(mark)] }, { add, remove });
  late.push(`add ${name} ${[key, ...after, `skbmark ${hex(mark)}`].join(' ')} -exist`);
}

function encodeEntry(name: string, { key, before, after }: Member, { add, remove }: Batch): void {
  if (after === undefined) {
    remove.push(`del ${name} ${key}`);
    return;
  }
  if (before !== undefined && !equalData(before, after)) add.push(`del ${name} ${key}`);
  add.push(`add ${name} ${[key, ...after].join(' ')}`);
}

/** Rules refer to the set, so the new one takes its place in one step. */
function redeclare(
  name: string,
  swap: string,
  { whole: { after }, marks, batch }: { readonly whole: ObjectChange; readonly marks: Marks; readonly batch: SetBatch },
): void {
  batch.add.push(`create ${swap} ${after?.definition}`);
  for (const [key, lines] of membersOf(after)) {
    const member = { key, before: undefined, after: lines };
    if (after?.definition.endsWith(' skbinfo') === true) {
      const late: string[] = [];
      encodeShortCut(swap, member, { ...batch, late, marks });
      batch.late.push(...late.map((line) => line.replace(swap, name)));
    } else {
      encodeEntry(swap, member, batch);
    }
  }
  batch.add.push(`swap ${swap} ${name}`, `destroy ${swap}`);
}

function surroundingsAfter(
  servers: readonly Member[],
  before: Surroundings,
  family: IpFamily,
): Omit<Surroundings, 'marks'> {
  const leaving = new Map(before.leaving);
  const foreign = new Map(before.foreign);
  for (const { key, before: was, after } of servers) {
    const name = nativeKey(family, key, before.marks);
    const old = splitServer(was ?? foreign.get(name) ?? []).destinations;
    const now = splitServer(after ?? []).destinations;
    const gone = isGraceful(key) && after !== undefined ? [...old.keys()] : [];
    const kept = after === undefined ? [] : (leaving.get(key) ?? []);
    const stay = [...kept, ...gone].filter((address) => !now.has(address));
    if (stay.length > 0) leaving.set(key, new Set(stay));
    else leaving.delete(key);
    foreign.delete(name);
  }
  return { leaving, foreign };
}
