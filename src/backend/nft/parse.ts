import { PersistentMap } from '../../base/persistent-map.ts';
import type { Steps } from '../../base/steps.ts';
import { atOnce, ITEMS_PER_STEP, mapInSteps } from '../../base/steps.ts';
import type { RuleObject, RuleSet } from '../rules.ts';
import type { SlotTable } from './encode.ts';
import { chainId, POOL_MAPS, setId } from './names.ts';
import { isClientSet } from './render.ts';
import { isInOrder, isUsable, MISSING_SLOT } from './slots.ts';

export interface ParsedTable {
  readonly rules: RuleSet;
  readonly slots: SlotTable;
}

/** nft prints these priorities as names; which ones depends on its version and the chain's type. */
const PRIORITY_NAMES: Readonly<Record<string, number>> = {
  raw: -300,
  mangle: -150,
  dstnat: -100,
  filter: 0,
  security: 50,
  srcnat: 100,
};

/** Where /etc/protocols is missing (slim containers), nft prints numbers. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp', '132': 'sctp' };

const OBJECT_START = /^\t(chain|set|map) (\S+) \{$/;
const BASE_CHAIN = /^type (\w+) hook (\w+) priority (\w+)?(?: ?([+-]) ?)?(\d+)?; policy (\w+);$/;
const DECLARATION = /^(?:type|typeof|flags|size) /;
const ELEMENTS = '\t\telements = {';
const ELEMENT = /(?:[^",]|"[^"]*")+/g;

/** Reads the output of `nft list table FAMILY sluice`. Elements of sets that packets fill are left out. */
export function parseTable(listing: string): ParsedTable {
  return atOnce(parseTableInSteps(listing));
}

/** The same in steps: 50,000 Services are 30 MB of text. */
export function* parseTableInSteps(listing: string): Steps<ParsedTable> {
  const objects = new Map<string, RuleObject>();
  const slots = new Map<string, readonly string[]>();
  for (let at = 0; at < listing.length; ) {
    const lineEnd = endOfLine(listing, at);
    const start = OBJECT_START.exec(listing.slice(at, lineEnd));
    at = lineEnd + 1;
    if (start === null) continue;
    const [, kind = '', name = ''] = start;
    const close = listing.indexOf('\n\t}\n', lineEnd);
    const end = close < 0 ? listing.length : close;
    const body = listing.slice(at, Math.max(at, end));
    if (kind === 'chain') objects.set(chainId(name), parseChain(body));
    else objects.set(setId(name), yield* parseContainer(name, body, slots));
    at = Math.max(at, end + 1);
    yield;
  }
  return { rules: PersistentMap.of(objects), slots: yield* mapInSteps(slots) };
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function parseChain(body: string): RuleObject {
  const lines = body === '' ? [] : body.split('\n').map((line) => line.trim());
  const head = BASE_CHAIN.exec(lines[0] ?? '');
  const rules = (head === null ? lines : lines.slice(1)).map(asWritten);
  return { ordered: true, definition: head === null ? '' : baseChainDefinition(head), lines: rules };
}

function baseChainDefinition([, type, hook, base = '', sign, digits, policy]: RegExpExecArray): string {
  const offset = Number(digits ?? 0) * (sign === '-' ? -1 : 1);
  return `type ${type} hook ${hook} priority ${(PRIORITY_NAMES[base] ?? Number(base || 0)) + offset}; policy ${policy};`;
}

/** Puts names where a listing has numbers for protocols. */
function asWritten(rule: string): string {
  return rule
    .replace('meta l4proto { 6, 17, 132 }', 'meta l4proto { tcp, udp, sctp }')
    .replace(/^meta l4proto (6|17|132) /, (_, number: string) => `meta l4proto ${PROTOCOL_NAMES[number]} `);
}

function* parseContainer(name: string, body: string, slots: Map<string, readonly string[]>): Steps<RuleObject> {
  const elementsAt = body.indexOf(ELEMENTS);
  const declared = (elementsAt < 0 ? body : body.slice(0, elementsAt))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => DECLARATION.test(line));
  const definition = declared.map((line) => `${line};`).join(' ');
  if (isClientSet(name)) return { ordered: true, definition, lines: [] };
  const text = elementsAt < 0 ? '' : body.slice(elementsAt + ELEMENTS.length, body.lastIndexOf('}'));
  const elements = yield* splitElements(text, protocolPosition(definition));
  const members = POOL_MAPS.has(name) ? yield* gatherPools(name, elements, slots) : elements.values().map(toMember);
  return { ordered: false, definition, members: yield* mapInSteps(members) };
}

/** nft breaks lines between elements only. */
function* splitElements(text: string, protocolAt: number): Steps<readonly Element[]> {
  const elements: Element[] = [];
  let lines = 0;
  for (let at = 0; at < text.length; ) {
    const end = endOfLine(text, at);
    for (const match of text.slice(at, end).match(ELEMENT) ?? []) {
      const element = match.trim();
      if (element !== '') elements.push(splitElement(element, protocolAt));
    }
    at = end + 1;
    if (++lines % ITEMS_PER_STEP === 0) yield;
  }
  return elements;
}

function protocolPosition(definition: string): number {
  const parts =
    definition
      .replace(/^type(?:of)? /, '')
      .split(/[;:]/)[0]
      ?.split(' . ') ?? [];
  return parts.findIndex((part) => part === 'inet_proto');
}

interface Element {
  readonly key: string;
  /** What follows the key: `comment "…" : goto x`, `: 10.0.0.1 . 80`, or nothing. */
  readonly rest: string;
}

function splitElement(element: string, protocolAt: number): Element {
  const end = /(?: comment "| : |$)/.exec(element)?.index ?? element.length;
  const parts = element.slice(0, end).split(' . ');
  const named = parts.map((part, i) => (i === protocolAt ? (PROTOCOL_NAMES[part] ?? part) : part));
  return { key: named.join(' . '), rest: element.slice(end).trim() };
}

function toMember({ key, rest }: Element): readonly [string, readonly string[]] {
  return [key, rest === '' ? [] : [rest]];
}

/** Elements of one destination, one per slot, become one member with a line per endpoint, sorted. */
function* gatherPools(
  name: string,
  elements: readonly Element[],
  slots: Map<string, readonly string[]>,
): Steps<readonly (readonly [string, readonly string[]])[]> {
  const pools = new Map<string, string[]>();
  for (const [i, { key, rest }] of elements.entries()) {
    if (i % ITEMS_PER_STEP === 0) yield;
    const cut = key.lastIndexOf(' . ');
    const destination = key.slice(0, cut);
    const pool = pools.get(destination) ?? [];
    pool[Number(key.slice(cut + 3))] = rest.replace(/^: /, '');
    pools.set(destination, pool);
  }
  const members: [string, readonly string[]][] = [];
  for (const [destination, pool] of pools) {
    const dense = Array.from(pool, (endpoint) => endpoint ?? MISSING_SLOT);
    // What is missing, where nothing may be, makes the member differ from the one that is wanted.
    const endpoints = isUsable(dense) ? dense.filter((endpoint) => endpoint !== MISSING_SLOT) : dense;
    const sorted = endpoints.toSorted();
    if (!isInOrder(dense, sorted)) slots.set(`${setId(name)} ${destination}`, dense);
    if (members.push([destination, sorted]) % ITEMS_PER_STEP === 0) yield;
  }
  return members;
}
