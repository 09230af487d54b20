import { PersistentMap } from '../../base/persistent-map.ts';
import type { IpFamily } from '../../model/address.ts';
import type { ChangeSet, ObjectChange, RuleObject, RuleSet } from '../rules.ts';
import { diffRuleSets, NO_RULES } from '../rules.ts';
import { KUBE_PROXY_TABLE, NFT_FAMILY, POOL_MAPS, TABLE } from './names.ts';
import { isIntervalSet, leadsToEndpoints } from './render.ts';
import type { Slots } from './slots.ts';
import { isInOrder, MISSING_SLOT, reassignSlots } from './slots.ts';

/**
 * The slots of pools in the kernel, keyed by object and member, `set tcp-endpoints 10.96.0.1 . 80`. A pool that is not in it
 * has its endpoints in the order of the rule set.
 */
export type SlotTable = PersistentMap<Slots>;

export const NO_SLOTS: SlotTable = PersistentMap.empty();

/**
 * A change as up to four transactions in a row. A packet on its way through our chains while a transaction is committed goes
 * on with the *rules* from before it, but finds the *elements* from after it: so what a verdict leads to comes a transaction
 * before the verdict, and goes a transaction after it.
 */
export interface EncodedChange {
  /** Chains that verdicts are about to lead to, in groups like {@link groups}. */
  readonly prepare: readonly (readonly string[])[];
  /**
   * nft commands in groups; all of them together are one transaction. Where the kernel cannot take that much at once (a user
   * namespace limits the socket buffer), the groups can be written one by one: nothing leads to an endpoint before it is there.
   * A line feed inside a command may be replaced by a blank.
   */
  readonly groups: readonly (readonly string[])[];
  /** Slots that only a verdict from before `groups` leads to, and kube-proxy's table, in groups like {@link groups}. */
  readonly retire: readonly (readonly string[])[];
  /**
   * Commands for a last transaction, which may fail without harm: objects that nothing uses any more. Kernels before 6.2 hold
   * a chain busy for a moment after the last map element that led to it is gone.
   */
  readonly sweep: readonly string[];
  /** The slots once `retire` is done. */
  readonly slots: SlotTable;
}

/** The object that stands for kube-proxy's table in a rule set: read when it exists, never wanted. */
export const KUBE_PROXY_OBJECT = `table ${KUBE_PROXY_TABLE}`;

/** Spells a change as nft commands. Pure: equal inputs give equal text. */
export function encodeChange(family: IpFamily, change: ChangeSet, slots: SlotTable): EncodedChange {
  const redeclared = change.objects.some(
    ({ before, after }) => before !== undefined && after !== undefined && !sameShape(before, after),
  );
  if (redeclared) return NEEDS_REBUILD;
  const writer = new Writer(family, { slots, isFirst: isFirstWrite(change) });
  for (const objectChange of change.objects) writer.object(objectChange);
  for (const { id, key, before, after } of change.members) writer.member({ id, key, before, after });
  return writer.finish();
}

/** Is nothing of ours there yet? Then no packet can be on its way through it. */
function isFirstWrite({ objects, members }: ChangeSet): boolean {
  return members.length === 0 && objects.every(({ id, before }) => before === undefined || id === KUBE_PROXY_OBJECT);
}

/** An object is declared differently from what we need (another version wrote it): see {@link encodeRebuild}. */
const NEEDS_REBUILD: EncodedChange = { prepare: [], groups: [], retire: [], sweep: [], slots: NO_SLOTS };

export function needsRebuild(encoded: EncodedChange): boolean {
  return encoded === NEEDS_REBUILD;
}

/**
 * Replaces the whole table in one transaction; whatever was in it is gone, whoever wrote it. Of the change that it stands in
 * for, what is not about our table is done too.
 */
export function encodeRebuild(family: IpFamily, rules: RuleSet, change: ChangeSet): EncodedChange {
  const elsewhere = change.objects.filter(({ id }) => id === KUBE_PROXY_OBJECT);
  const { objects } = diffRuleSets(NO_RULES, rules);
  const encoded = encodeChange(family, { objects: [...elsewhere, ...objects], members: [] }, NO_SLOTS);
  const table = `table ${NFT_FAMILY[family]} ${TABLE}`;
  return { ...encoded, groups: [[`add ${table}`, `delete ${table}`], ...encoded.groups] };
}

function sameShape(a: RuleObject, b: RuleObject): boolean {
  return a.ordered === b.ordered && a.definition === b.definition;
}

interface MemberEdit {
  readonly id: string;
  readonly key: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
}

/** Collects commands by phase, so that everything exists before it is used and is unused before it goes. */
class Writer {
  readonly #prefix: string;
  readonly #family: string;
  readonly #takeOver: string[] = [];
  readonly #declare: string[] = [];
  readonly #flush: string[] = [];
  readonly #rules: string[] = [];
  readonly #newChainRules: string[] = [];
  /** Elements of members that go or change. */
  readonly #removed = new Map<string, string[]>();
  /** Elements of members that were there before, with other data. */
  readonly #replaced = new Map<string, string[]>();
  /** Slots that nothing takes the place of. */
  readonly #retired = new Map<string, string[]>();
  /** Elements of new members. */
  readonly #added = new Map<string, string[]>();
  readonly #sweep: string[] = [];
  readonly #isFirst: boolean;
  readonly #oldSlots: SlotTable;
  readonly #newSlots = new Map<string, Slots | undefined>();

  constructor(family: IpFamily, { slots, isFirst }: { readonly slots: SlotTable; readonly isFirst: boolean }) {
    this.#family = NFT_FAMILY[family];
    this.#prefix = `${NFT_FAMILY[family]} ${TABLE}`;
    this.#isFirst = isFirst;
    this.#oldSlots = slots;
  }

  object({ id, before, after }: ObjectChange): void {
    const [kind = '', name = ''] = id.split(' ');
    if (id === KUBE_PROXY_OBJECT) {
      if (after === undefined) this.#takeOver.push(`delete table ${this.#family} ${KUBE_PROXY_TABLE}`);
    } else if (kind === 'chain') {
      this.#chain(name, before, after);
    } else {
      this.#container({ id, name }, before, after);
    }
  }

  #chain(name: string, before: RuleObject | undefined, after: RuleObject | undefined): void {
    const chain = `chain ${this.#prefix} ${name}`;
    if (before === undefined && after !== undefined) {
      this.#declare.push(`add ${chain}${after.definition === '' ? '' : ` { ${after.definition} }`}`);
    } else {
      this.#flush.push(`flush ${chain}`);
    }
    if (after?.ordered === true) {
      const rules = before === undefined ? this.#newChainRules : this.#rules;
      for (const line of after.lines) rules.push(`add rule ${this.#prefix} ${name} ${line}`);
    } else if (after === undefined) {
      this.#sweep.push(`delete ${chain}`);
    }
  }

  #container(at: { id: string; name: string }, before: RuleObject | undefined, after: RuleObject | undefined): void {
    if (after === undefined) {
      this.#sweep.push(`delete set ${this.#prefix} ${at.name}`);
      return;
    }
    if (before === undefined) {
      const word = after.definition.includes(' : ') ? 'map' : 'set';
      this.#declare.push(`add ${word} ${this.#prefix} ${at.name} { ${after.definition} }`);
    }
    if (!after.ordered) {
      const keys: string[] = [];
      after.members.forEach((_lines, key) => keys.push(key));
      const elements = listOf(this.#added, at.name);
      const isPool = POOL_MAPS.has(at.name);
      // Without a function to compare with, V8 sorts text several times faster.
      for (const key of keys.sort()) {
        const lines = after.members.get(key) ?? [];
        if (isPool) putPool(elements, key, lines);
        else elements.push(elementOf(key, lines));
      }
    }
  }

  member(edit: MemberEdit): void {
    const name = edit.id.slice(edit.id.indexOf(' ') + 1);
    if (POOL_MAPS.has(name)) {
      this.#pool(name, edit);
      return;
    }
    if (edit.before !== undefined) listOf(this.#removed, name).push(edit.key);
    const puts = edit.before === undefined ? this.#added : this.#replaced;
    if (edit.after !== undefined) listOf(puts, name).push(elementOf(edit.key, edit.after));
  }

  #pool(name: string, edit: MemberEdit): void {
    if (edit.before === undefined) {
      putPool(listOf(this.#added, name), edit.key, edit.after ?? []);
      return;
    }
    const slotKey = `${edit.id} ${edit.key}`;
    const wanted = edit.after ?? [];
    const change = reassignSlots(this.#oldSlots.get(slotKey) ?? edit.before, edit.before, wanted);
    for (const { index } of change.removed) {
      listOf(index < change.count ? this.#removed : this.#retired, name).push(`${edit.key} . ${index}`);
    }
    for (const { index, endpoint } of change.added) {
      listOf(this.#replaced, name).push(poolElement(edit.key, index, endpoint));
    }
    this.#newSlots.set(slotKey, isInOrder(change.slots, wanted) ? undefined : change.slots);
  }

  finish(): EncodedChange {
    const fresh = [...this.#added].map(([name, list]) => ({
      name,
      commands: this.#elements('add', new Map([[name, list]])),
    }));
    const early = fresh.filter(({ name }) => !leadsToEndpoints(name) && !isIntervalSet(name));
    const ranges = fresh.filter(({ name }) => isIntervalSet(name));
    const late = fresh.filter(({ name }) => leadsToEndpoints(name));
    const oneByOne = (list: typeof fresh): string[][] =>
      list.flatMap(({ commands }) => commands.map((command) => [command]));
    const declare = this.#declare.length === 0 ? [] : [`add table ${this.#prefix}`, ...this.#declare];
    const groups = [
      this.#isFirst ? declare : [],
      ...oneByOne(early),
      [
        ...this.#flush,
        ...this.#elements('delete', this.#removed),
        ...this.#elements('add', this.#replaced),
        ...this.#rules,
        ...(this.#isFirst ? this.#newChainRules : []),
      ],
      // The kernel refuses a range that overlaps one which is still there, even if the same transaction removes that later.
      ...oneByOne(ranges),
      ...oneByOne(late),
    ];
    const slots = this.#oldSlots.update((draft) => {
      for (const [key, value] of this.#newSlots) {
        if (value === undefined) draft.delete(key);
        else draft.set(key, value);
      }
    });
    const prepare = this.#isFirst ? [] : [declare, this.#newChainRules];
    const retire = [...this.#elements('delete', this.#retired), ...this.#takeOver];
    return {
      prepare: prepare.filter((group) => group.length > 0),
      groups: groups.filter((group) => group.length > 0),
      retire: retire.map((command) => [command]),
      sweep: this.#sweep,
      slots,
    };
  }

  #elements(verb: 'add' | 'delete', lists: ReadonlyMap<string, readonly string[]>): string[] {
    const commands: string[] = [];
    for (const [name, list] of lists) {
      for (let i = 0; i < list.length; i += ELEMENTS_PER_COMMAND) {
        const elements = list.slice(i, i + ELEMENTS_PER_COMMAND).join(',\n  ');
        commands.push(`${verb} element ${this.#prefix} ${name} {\n  ${elements}\n}`);
      }
    }
    return commands;
  }
}

/** Few enough that one command always fits the socket buffer of a user namespace (two times 208 KiB). */
const ELEMENTS_PER_COMMAND = 1000;

/** A set's member has no line, a map's one. */
function elementOf(key: string, [line]: readonly string[]): string {
  return line === undefined ? key : `${key} ${line}`;
}

function poolElement(key: string, index: number, endpoint: string): string {
  return `${key} . ${index} : ${endpoint}`;
}

/** Adds the elements of a new pool, which is in order. */
function putPool(elements: string[], key: string, endpoints: readonly string[]): void {
  for (let index = 0; index < endpoints.length; index++) {
    elements.push(poolElement(key, index, endpoints[index] ?? MISSING_SLOT));
  }
}

function listOf(lists: Map<string, string[]>, name: string): string[] {
  let list = lists.get(name);
  if (list === undefined) {
    list = [];
    lists.set(name, list);
  }
  return list;
}
