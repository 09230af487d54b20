import { kernelFamilies } from '../../kernel/families.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { IP_FAMILIES } from '../../model/address.ts';
import type { Backend, Probe } from '../contract.ts';
import { watchRuleEvents } from '../../kernel/rule-events.ts';
import { NftDriver } from './driver.ts';
import { encodeChange, NO_SLOTS } from './encode.ts';
import { explainNft } from './explain.ts';
import { nftFailure } from './failure.ts';
import { KUBE_PROXY_TABLE, NFT_FAMILY, TABLE } from './names.ts';
import { nftSpelling } from './render.ts';
import { summarizeNft } from './summary.ts';

/** The default backend: one nftables table per family in the flat layout. */
export const nftBackend: Backend = {
  name: 'nft',
  proxyMode: 'nftables',
  spelling: () => nftSpelling,
  text: (plan, change) => `${encodeChange(plan.family, change, NO_SLOTS).groups.flat().join('\n')}\n`,
  explain: explainNft,
  summarize: summarizeNft,
  probe,
  openDriver: (options) => new NftDriver(options),
  watch: (options) => watchRuleEvents({ ...options, ours: `^ip6? ${TABLE}(?: |$)` }),
  cleanup,
};

async function probe(runner: CommandRunner): Promise<Probe> {
  const version = await runner.run('nft', ['--version']);
  // Costs less than the tables, for which nft fetches all elements.
  const listing = await runner.run('nft', ['list', 'chains']);
  if (listing.exitCode !== 0) throw nftFailure(listing.stderr, 'list chains');
  const families = kernelFamilies();
  return {
    description: `nft ${/v([\d.]+)/.exec(version.stdout)?.[1] ?? 'of unknown version'}`,
    families,
    missing: IP_FAMILIES.filter((family) => !families.includes(family)).map(
      (family) => `${family}: the kernel has it switched off`,
    ),
  };
}

async function cleanup(runner: CommandRunner): Promise<readonly string[]> {
  const listing = await runner.run('nft', ['list', 'tables']);
  if (listing.exitCode !== 0) throw nftFailure(listing.stderr, 'list tables');
  const ours = new Set(
    Object.values(NFT_FAMILY).flatMap((family) => [TABLE, KUBE_PROXY_TABLE].map((name) => `table ${family} ${name}`)),
  );
  const present = listing.stdout.split('\n').filter((table) => ours.has(table));
  if (present.length === 0) return [];
  const input = present.map((table) => `delete ${table}\n`).join('');
  const { exitCode, stderr } = await runner.run('nft', ['-f', '-'], { input });
  if (exitCode !== 0) throw nftFailure(stderr, 'delete tables');
  return present.map((table) => `nft ${table}`);
}
