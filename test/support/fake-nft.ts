import type { Cidr } from '../../src/model/address.ts';
import { cidrContains, familyOf, hostCidr, parseCidr, parseIpAddress } from '../../src/model/address.ts';
import type { ElementText } from './nft-text.ts';
import { cut, inBraces, printedDefinition, readElement, referencesIn } from './nft-text.ts';

interface Chain {
  /** Empty for chains without a hook. */
  readonly definition: string;
  readonly rules: readonly string[];
}

interface Container {
  readonly kind: 'set' | 'map';
  readonly definition: string;
  /** By key. */
  readonly elements: ReadonlyMap<string, ElementText>;
}

interface Table {
  readonly chains: Map<string, Chain>;
  readonly sets: Map<string, Container>;
}

/** What nft or the kernel has against a command; the words are theirs. */
class Refusal extends Error {}

const NOT_THERE = 'No such file or directory';
const THERE_ALREADY = 'File exists';
const BUSY = 'Device or resource busy';
const NAME = /^[a-z][a-z0-9-]{0,100}$/;

/**
 * The part of nft and of the kernel that sluice uses. One call of {@link run} is one transaction; what the kernel refuses is
 * refused, with the same words, and nothing of the transaction stays.
 */
export class FakeNft {
  #tables = new Map<string, Table>();
  /** Refuses what contains this. */
  poison: RegExp | undefined;
  /** Transactions that are longer fail as those do that do not fit a socket buffer. */
  maxCharacters = Number.POSITIVE_INFINITY;
  transactions = 0;

  /** @returns nothing, or the error message. */
  run(text: string): string {
    const draft = new Map(
      [...this.#tables].map(([name, { chains, sets }]) => [name, { chains: new Map(chains), sets: new Map(sets) }]),
    );
    try {
      if (text.length > this.maxCharacters) throw new Refusal('Message too long');
      if (this.poison?.test(text) === true) throw new Refusal('Invalid argument');
      for (const command of cut(text, ';\n')) execute(draft, command);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return `Error: Could not process rule: ${thrown.message}\n`;
    }
    this.transactions++;
    this.#tables = draft;
    return '';
  }

  /** `nft list tables`. */
  listTables(): string {
    return [...this.#tables.keys()].map((name) => `table ${name}\n`).join('');
  }

  /** `nft list chains`, of all families, without what the chains are like. */
  listChains(): string {
    const blocks = [...this.#tables].map(([name, { chains }]) => {
      const lines = [...chains.keys()].map((chain) => `\tchain ${chain} {\n\t}\n`);
      return `table ${name} {\n${lines.join('')}}\n`;
    });
    return blocks.join('');
  }

  /** `nft list table FAMILY NAME`; nothing when there is none. */
  listTable(name: string): string {
    const table = this.#tables.get(name);
    if (table === undefined) return '';
    const blocks = [
      ...[...table.sets].map(([set, container]) => `\t${container.kind} ${set} {\n${containerBody(container)}\t}\n`),
      ...[...table.chains].map(([chain, { definition, rules }]) => {
        const head = definition === '' ? [] : [printedDefinition(definition)];
        return `\tchain ${chain} {\n${[...head, ...rules].map((line) => `\t\t${line}\n`).join('')}\t}\n`;
      }),
    ];
    return `table ${name} {\n${blocks.join('\n')}}\n`;
  }

  /** Elements of a set or map by key: data and comment. */
  elements(table: string, set: string): ReadonlyMap<string, ElementText> {
    return this.#tables.get(table)?.sets.get(set)?.elements ?? new Map();
  }

  rules(table: string, chain: string): readonly string[] | undefined {
    return this.#tables.get(table)?.chains.get(chain)?.rules;
  }
}

function containerBody({ definition, elements }: Container): string {
  const lines = cut(definition, ';').map((line) => `\t\t${line}\n`);
  const texts = [...elements.values()].map(
    ({ key, comment, data }) =>
      key.join(' . ') + (comment === undefined ? '' : ` comment ${comment}`) + (data === undefined ? '' : ` : ${data}`),
  );
  const list = texts.length === 0 ? '' : `\t\telements = { ${texts.join(',\n\t\t\t     ')} }\n`;
  return lines.join('') + list;
}

function execute(tables: Map<string, Table>, command: string): void {
  const [, verb = '', kind = '', family = '', tableName = '', rest = ''] =
    /^(\w+) (table|chain|rule|set|map|element) (ip6?) (\S+)(?: ([^]*))?$/.exec(command) ?? [];
  if (verb === '') throw new Refusal(`syntax error, unexpected ${command.slice(0, 40)}`);
  const path = `${family} ${tableName}`;
  if (kind === 'table') return executeTable(tables, verb, path);
  const table = tables.get(path) ?? refuse(NOT_THERE);
  const [, name = '', body = ''] = /^(\S+) ?([^]*)$/.exec(rest) ?? [];
  if (!NAME.test(name)) throw new Refusal(`syntax error, unexpected ${name}`);
  switch (`${verb} ${kind}`) {
    case 'add chain':
      return addChain(table, name, body === '' ? '' : inBraces(body));
    case 'flush chain':
      return void table.chains.set(name, { ...chainOf(table, name), rules: [] });
    case 'delete chain':
      return deleteChain(table, name);
    case 'add rule':
      return addRule(table, name, body);
    case 'add set':
    case 'add map':
      return addContainer(table, name, { kind: kind === 'map' ? 'map' : 'set', definition: inBraces(body) });
    case 'delete set':
    case 'delete map':
      return deleteContainer(table, name);
    case 'add element':
    case 'delete element':
      return editElements({ table, name, family }, verb, inBraces(body));
    default:
      throw new Refusal(`syntax error, unexpected ${verb} ${kind}`);
  }
}

function refuse(message: string): never {
  throw new Refusal(message);
}

function executeTable(tables: Map<string, Table>, verb: string, path: string): void {
  if (verb === 'add') {
    if (!tables.has(path)) tables.set(path, { chains: new Map(), sets: new Map() });
  } else if (verb !== 'delete' || !tables.delete(path)) {
    refuse(NOT_THERE);
  }
}

function chainOf(table: Table, name: string): Chain {
  return table.chains.get(name) ?? refuse(NOT_THERE);
}

function addChain(table: Table, name: string, definition: string): void {
  const known = table.chains.get(name);
  if (known !== undefined && known.definition !== definition) refuse(THERE_ALREADY);
  if (known === undefined) table.chains.set(name, { definition, rules: [] });
}

function deleteChain(table: Table, name: string): void {
  chainOf(table, name);
  const rules = [...table.chains].flatMap(([owner, chain]) => (owner === name ? [] : chain.rules));
  const verdicts = [...table.sets.values()].flatMap(({ elements }) =>
    [...elements.values()].map(({ data = '' }) => data),
  );
  if ([...rules, ...verdicts].some((text) => referencesIn(text).chains.includes(name))) refuse(BUSY);
  table.chains.delete(name);
}

function addRule(table: Table, name: string, rule: string): void {
  const chain = chainOf(table, name);
  if (rule === '' || rule.includes('\n')) refuse('syntax error');
  const { chains, sets } = referencesIn(rule);
  for (const target of chains) if (chainOf(table, target).definition !== '') refuse('Operation not supported');
  for (const set of sets) if (!table.sets.has(set)) refuse(NOT_THERE);
  table.chains.set(name, { ...chain, rules: [...chain.rules, rule] });
}

function addContainer(table: Table, name: string, declared: Pick<Container, 'kind' | 'definition'>): void {
  const known = table.sets.get(name);
  if (known !== undefined && known.definition !== declared.definition) refuse(THERE_ALREADY);
  if ((declared.kind === 'map') !== declared.definition.includes(' : '))
    refuse('syntax error, a map has data, a set has none');
  if (known === undefined) table.sets.set(name, { ...declared, elements: new Map() });
}

function deleteContainer(table: Table, name: string): void {
  if (!table.sets.has(name)) refuse(NOT_THERE);
  for (const { rules } of table.chains.values())
    if (rules.some((rule) => referencesIn(rule).sets.includes(name))) refuse(BUSY);
  table.sets.delete(name);
}

function editElements(at: { table: Table; name: string; family: string }, verb: string, list: string): void {
  const { table, name, family } = at;
  const container = table.sets.get(name) ?? refuse(NOT_THERE);
  const elements = new Map(container.elements);
  for (const text of cut(list, ',')) {
    const element = readElement(text);
    const key = element.key.join(' . ');
    checkKey(container, element, family);
    if (verb === 'delete') {
      if (!elements.delete(key)) refuse(NOT_THERE);
      continue;
    }
    checkData(table, container, element);
    const known = elements.get(key);
    if (known !== undefined && (known.data !== element.data || known.comment !== element.comment))
      refuse(THERE_ALREADY);
    if (known === undefined && container.definition.includes('flags interval')) checkOverlap(elements, element);
    elements.set(key, element);
  }
  table.sets.set(name, { ...container, elements });
}

function checkKey({ definition }: Container, { key, comment = '' }: ElementText, family: string): void {
  const [keyType = ''] = definition.replace(/^type(?:of)? /, '').split(/ : |;/);
  const types = keyType.split(' . ');
  if (types.length !== key.length) refuse(`a key of ${types.length} parts is expected, not ${key.join(' . ')}`);
  for (const [i, type] of types.entries()) if (!isOfType(type, key[i] ?? '', family)) refuse(`${key[i]} is no ${type}`);
  if (Buffer.byteLength(comment) > 128 + '""'.length) refuse('comment too long');
}

function isOfType(type: string, text: string, family: string): boolean {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  switch (type) {
    case 'inet_proto':
      return ['tcp', 'udp', 'sctp'].includes(text);
    case 'inet_service':
    case 'tcp dport':
    case 'udp dport':
    case 'sctp dport':
      return number > 0 && number <= 65_535;
    case 'numgen random mod 65536':
      return number >= 0 && number < 65_536;
    default: {
      const address = text.includes('/') ? parseCidr(text) : parseIpAddress(text);
      return address !== undefined && familyOf(address) === (family === 'ip' ? 'IPv4' : 'IPv6') && address === text;
    }
  }
}

function checkData(table: Table, { kind, definition }: Container, { data }: ElementText): void {
  if (kind === 'set') return data === undefined ? undefined : refuse('a set has no data');
  if (data === undefined) refuse('a map has data');
  if (!definition.includes(': verdict'))
    return /^\S+ \. \d+$/.test(data) ? undefined : refuse(`${data} is no endpoint`);
  const target = /^goto (\S+)$/.exec(data)?.[1];
  if (target === undefined && !['drop', 'return', 'accept'].includes(data)) refuse(`${data} is no verdict`);
  if (target !== undefined && chainOf(table, target).definition !== '') refuse('Operation not supported');
}

function asCidr(text: string): Cidr | undefined {
  const address = parseIpAddress(text);
  return address === undefined ? parseCidr(text) : hostCidr(address);
}

function checkOverlap(elements: ReadonlyMap<string, ElementText>, { key }: ElementText): void {
  const network = asCidr(key.at(-1) ?? '');
  for (const other of elements.values()) {
    const outer = asCidr(other.key.at(-1) ?? '');
    const sameStart = other.key.slice(0, -1).join() === key.slice(0, -1).join();
    if (!sameStart || network === undefined || outer === undefined) continue;
    if (cidrContains(outer, network) || cidrContains(network, outer)) refuse('conflicting intervals specified');
  }
}
