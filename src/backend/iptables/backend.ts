import { kernelFamilies } from '../../kernel/families.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import { watchIptables } from '../../kernel/iptables-watch.ts';
import type { RuleWatch } from '../../kernel/rule-events.ts';
import type { IpFamily } from '../../model/address.ts';
import { IP_FAMILIES } from '../../model/address.ts';
import type { Backend, BackendSettings, Probe, WatchOptions } from '../contract.ts';
import { diffRuleSets, NO_RULES } from '../rules.ts';
import { choosePrograms, findPrograms, missingPrograms } from '../xtables/programs.ts';
import { Xtables } from '../xtables/xtables.ts';
import { IptablesDriver } from './driver.ts';
import { isOwnChain } from './names.ts';
import { encodeChange } from '../xtables/encode.ts';
import { explainChains } from '../xtables/explain.ts';
import { iptablesFailure } from '../xtables/failure.ts';
import { splitObjectId, WATCHED_CHAINS } from '../xtables/names.ts';
import { isForIpvs, withoutShared } from '../xtables/shared.ts';
import { iptablesSpelling } from './render.ts';
import { summarizeIptables } from './summary.ts';
import { describeRemoved } from '../xtables/describe.ts';
import type { Programs } from '../xtables/variant.ts';
import { programName } from '../xtables/variant.ts';

/** kube-proxy's chains in the bucketed layout, through `iptables-save` and `iptables-restore`. */
export const iptablesBackend: Backend = {
  name: 'iptables',
  proxyMode: 'iptables',
  spelling: iptablesSpelling,
  tableOf: (id) => splitObjectId(id).table,
  text: (_plan, change) => encodeChange(change),
  explain: explainChains,
  summarize: summarizeIptables,
  probe,
  openDriver: (options) => new IptablesDriver(options),
  watch,
  cleanup,
  cleanupUnused,
};

async function probe(runner: CommandRunner): Promise<Probe> {
  const programs = await choosePrograms(runner);
  const available = kernelFamilies();
  const families: IpFamily[] = [];
  const missing: string[] = [];
  for (const family of IP_FAMILIES) {
    if (!available.includes(family)) {
      missing.push(`${family}: the kernel has it switched off`);
      continue;
    }
    const program = programName(family, programs, '');
    const { exitCode, stderr } = await runner.run(program, ['-w', '5', '-t', 'nat', '-S', 'POSTROUTING']);
    if (exitCode === 0) {
      families.push(family);
      continue;
    }
    const failure = iptablesFailure({ program, exitCode, stderr }, 'list the nat table');
    const isLast = family === available.at(-1) && families.length === 0;
    // A lock that others hold says nothing about the family.
    if (failure.code === 'permission-denied' || failure.code === 'lock-busy' || isLast) throw failure;
    missing.push(`${family}: ${failure.message}`);
  }
  return { description: `iptables ${programs.version} (${programs.variant})`, families, missing };
}

async function watch(options: WatchOptions): Promise<RuleWatch> {
  const { runner, settings } = options;
  const { variant } = await choosePrograms(runner, settings.iptablesVariant);
  return watchIptables({ ...options, variant, tables: ['filter', 'nat'], chains: WATCHED_CHAINS });
}

/**
 * Chains that ipvs mode has under the same names stay while they are its. Both variants are cleaned where both are installed:
 * the other may hold what an earlier kube-proxy left.
 */
async function cleanup(runner: CommandRunner): Promise<readonly string[]> {
  const installed = await findPrograms(runner);
  if (installed.length === 0) missingPrograms();
  return cleanupThrough(installed, runner);
}

async function cleanupUnused(runner: CommandRunner, settings: BackendSettings): Promise<readonly string[]> {
  const used = await choosePrograms(runner, settings.iptablesVariant);
  const installed = await findPrograms(runner);
  return cleanupThrough(
    installed.filter(({ variant }) => variant !== used.variant),
    runner,
  );
}

async function cleanupThrough(installed: readonly Programs[], runner: CommandRunner): Promise<readonly string[]> {
  const removed: string[] = [];
  const available = kernelFamilies();
  for (const programs of installed) {
    for (const family of IP_FAMILIES.filter((name) => available.includes(name))) {
      const tables = new Xtables({ runner, family, programs, ownership: isOwnChain });
      const all = await tables.read();
      const rules = isForIpvs(all) ? withoutShared(all) : all;
      await tables.write(diffRuleSets(rules, NO_RULES));
      removed.push(...describeRemoved(rules, family, programs));
    }
  }
  return removed;
}
