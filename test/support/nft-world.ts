import type { Assembly } from '../../src/backend/assembly.ts';
import { assemble } from '../../src/backend/assembly.ts';
import type { EncodedChange } from '../../src/backend/nft/encode.ts';
import { NFT_FAMILY, POOL_MAPS, TABLE } from '../../src/backend/nft/names.ts';
import { parseTable } from '../../src/backend/nft/parse.ts';
import { nftSpelling } from '../../src/backend/nft/render.ts';
import type { RuleObject, RuleSet } from '../../src/backend/rules.ts';
import type { Plan } from '../../src/compiler/plan.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { FakeNft } from './fake-nft.ts';

/** `ip sluice`, as nft calls the table of a family. */
export function tableOf(family: IpFamily): string {
  return `${NFT_FAMILY[family]} ${TABLE}`;
}

/** What the fake kernel holds, the way a driver reads it. */
export function readTable(nft: FakeNft, family: IpFamily): ReturnType<typeof parseTable> {
  return parseTable(nft.listTable(tableOf(family)));
}

/** The rules of each plan, one derived from the other. */
export function assembleAll(plans: readonly Plan[]): readonly Assembly[] {
  let previous: Assembly | undefined;
  return plans.map((plan) => (previous = assemble(nftSpelling, plan, previous)));
}

/** Runs the transactions of a change one after the other. @returns what nft had against them. */
export function write(nft: FakeNft, { prepare, groups, retire, sweep }: EncodedChange): string {
  return [prepare, groups, retire, [sweep]].map((transaction) => nft.run(transaction.flat().join('\n'))).join('');
}

const VERDICT_MAPS = ['service-ips', 'service-ips-outside', 'service-nodeports', 'service-nodeports-outside'];

/**
 * Destinations whose packets would get lost: the verdict leads to a chain that picks a slot nobody has filled, or to an
 * empty chain.
 */
export function deadEnds(nft: FakeNft, family: IpFamily): readonly string[] {
  const table = tableOf(family);
  return VERDICT_MAPS.flatMap((map) =>
    [...nft.elements(table, map).values()].flatMap(({ key, data = '' }) => {
      const chain = /^goto (\S+)$/.exec(data)?.[1];
      if (chain === undefined) return [];
      const [rule] = nft.rules(table, chain) ?? [];
      const [, size, pool = ''] = /numgen random mod (\d+) map @(\S+)$/.exec(rule ?? '') ?? [];
      if (rule !== undefined && size === undefined) return [];
      const destination = POOL_MAPS.get(pool)?.at === 'nodeport' ? key.slice(1) : [key[0], key[2]];
      const filled = (slot: number): boolean => nft.elements(table, pool).has([...destination, slot].join(' . '));
      const slots = Array.from({ length: Number(size ?? 0) }, (_, slot) => slot);
      return slots.length > 0 && slots.every(filled) ? [] : [`${map} ${key.join(' . ')}: ${data}`];
    }),
  );
}

/**
 * Destinations that were and are served, whose packets would get lost if they were on their way during the last
 * transaction: such a packet goes through the chains from before it, and may find verdicts from before or after and slots
 * from after.
 */
export function lostOnTheWay(before: RuleSet, nft: FakeNft, family: IpFamily): readonly string[] {
  const earlier = verdictsIn(before);
  const later = verdictsIn(readTable(nft, family).rules);
  return [...earlier.keys()].flatMap((key) => {
    if (!later.has(key)) return [];
    const chains = new Set([...(earlier.get(key) ?? []), ...(later.get(key) ?? [])]);
    return [...chains]
      .filter(
        (chain) =>
          !leadsOn(key, before.get(`chain ${chain}`), (pool, slot) => nft.elements(tableOf(family), pool).has(slot)),
      )
      .map((chain) => `${key}: ${chain}`);
  });
}

/** Chains that a destination leads to, by `10.0.0.1 . tcp . 80` or `tcp . 30080`, whoever asks. */
function verdictsIn(rules: RuleSet): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const map of VERDICT_MAPS) {
    const object = rules.get(`set ${map}`);
    if (object === undefined || object.ordered) continue;
    object.members.forEach((lines, key) => {
      const chain = /goto (\S+)$/.exec(lines[0] ?? '')?.[1];
      if (chain !== undefined) found.set(key, [...(found.get(key) ?? []), chain]);
    });
  }
  return found;
}

function leadsOn(key: string, chain: RuleObject | undefined, filled: (pool: string, slot: string) => boolean): boolean {
  const rule = chain?.ordered === true ? chain.lines[0] : undefined;
  const [, size, pool = ''] = /numgen random mod (\d+) map @(\S+)$/.exec(rule ?? '') ?? [];
  if (rule === undefined || size === undefined) return rule !== undefined;
  const parts = key.split(' . ');
  const destination = POOL_MAPS.get(pool)?.at === 'nodeport' ? parts.slice(1) : [parts[0], parts[2]];
  return Array.from({ length: Number(size) }, (_, slot) => slot).every((slot) =>
    filled(pool, [...destination, slot].join(' . ')),
  );
}
