import { linesIn } from '../../base/lines.ts';
import type { Steps } from '../../base/steps.ts';
import { ITEMS_PER_STEP, mapInSteps } from '../../base/steps.ts';
import type { ObjectId, OrderedRules, RuleSet } from '../rules.ts';
import { chainShape } from './chains.ts';
import type { ChainOwnership, Table } from './names.ts';
import { BUILT_IN_CHAINS, objectId, TABLES } from './names.ts';

/** With `-c` there are counters before the rule; some versions print protocols as numbers. */
const COUNTERS = /^\[\d+:\d+\] /;
const PROTOCOL_NUMBER = /(^| )-p (6|17|132)(?= |$)/;
const PROTOCOL_NAMES: Readonly<Record<string, string>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };
const JUMP = / -[jg] (\S+)$/;

/**
 * What of the output of `iptables-save` is ours by name: our chains, and in built-in chains the rules that jump to them. Rules
 * of kube-proxy under the same names are, which is how they are taken over; anything else is not seen at all. In steps: 10,000
 * Services are 60,000 lines.
 */
export function* parseChains(text: string, isOwnChain: ChainOwnership): Steps<RuleSet> {
  const chains = new Map<string, string[]>();
  let table: Table | undefined;
  const linesOf = (chain: string): string[] => {
    const id = objectId(table ?? 'filter', chain);
    let lines = chains.get(id);
    if (lines === undefined) chains.set(id, (lines = []));
    return lines;
  };
  let seen = 0;
  for (const line of linesIn(text)) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    if (line.startsWith('*')) {
      table = TABLES.find((name) => name === line.slice(1));
    } else if (table !== undefined && line.startsWith(':')) {
      const chain = line.slice(1, line.indexOf(' '));
      if (isOwnChain(table, chain)) linesOf(chain);
    } else if (table !== undefined) {
      const parsed = parseRule(line, table, isOwnChain);
      if (parsed !== undefined) linesOf(parsed.chain).push(parsed.rule);
    }
  }
  const objects = [...chains].map(([id, lines]): [string, OrderedRules] => [
    id,
    { ordered: true, definition: chainShape(id).definition, lines },
  ]);
  return yield* mapInSteps(objects);
}

/**
 * Chains of ours that rules of others jump to, such as KUBE-MARK-MASQ, which the CNI plugin portmap can be told to use. The
 * kernel does not let go of them; all that can be done is to empty them.
 */
export function* chainsHeldByOthers(text: string, isOwnChain: ChainOwnership): Steps<ReadonlySet<ObjectId>> {
  const held = new Set<ObjectId>();
  let table: Table | undefined;
  let seen = 0;
  for (const line of linesIn(text)) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    if (line.startsWith('*')) table = TABLES.find((name) => name === line.slice(1));
    const [, chain = ''] = /^(?:\[\d+:\d+\] )?-A (\S+)/.exec(line) ?? [];
    const target = JUMP.exec(line)?.[1];
    if (table === undefined || chain === '' || target === undefined || !isOwnChain(table, target)) continue;
    if (!BUILT_IN_CHAINS.has(chain) && !isOwnChain(table, chain)) held.add(objectId(table, target));
  }
  return held;
}

function parseRule(
  text: string,
  table: Table,
  isOwnChain: ChainOwnership,
): { readonly chain: string; readonly rule: string } | undefined {
  const line = text.startsWith('[') ? text.replace(COUNTERS, '') : text;
  if (!line.startsWith('-A ')) return undefined;
  const end = line.indexOf(' ', 3);
  const chain = end < 0 ? line.slice(3) : line.slice(3, end);
  const rest = end < 0 ? '' : line.slice(end + 1);
  if (BUILT_IN_CHAINS.has(chain)) {
    const target = JUMP.exec(` ${rest}`)?.[1];
    if (target === undefined || !isOwnChain(table, target)) return undefined;
  } else if (!isOwnChain(table, chain)) {
    return undefined;
  }
  return { chain, rule: normalise(rest) };
}

function normalise(rule: string): string {
  return rule.replace(
    PROTOCOL_NUMBER,
    (_all, before: string, number: string) => `${before}-p ${PROTOCOL_NAMES[number]}`,
  );
}
