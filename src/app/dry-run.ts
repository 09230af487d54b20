import type { Backend } from '../backend/contract.ts';
import type { RuleSet } from '../backend/rules.ts';
import { diffRuleSets, NO_RULES } from '../backend/rules.ts';
import type { Config } from '../config/resolve.ts';
import { systemRunner } from '../kernel/command.ts';
import type { IpFamily } from '../model/address.ts';
import { IP_FAMILIES } from '../model/address.ts';
import type { Desired } from './desired.ts';
import { desiredRules } from './desired.ts';
import type { Setup } from './setup.ts';
import { setupFrom } from './setup.ts';

/** What manifests would change. */
export interface Comparison {
  readonly backend: Backend;
  /** What `before` is. */
  readonly against: 'kernel' | 'empty' | 'manifests';
  readonly families: readonly { readonly family: IpFamily; readonly before: RuleSet; readonly after: RuleSet }[];
  readonly badObjects: Desired['badObjects'];
  readonly warnings: Desired['warnings'];
}

/** Where `-` among the manifests reads from. */
export type Stdin = AsyncIterable<Buffer | string>;

/**
 * Compares what the manifests want with the kernel (needs root), a fresh node or other manifests. Writes nothing.
 *
 * @throws {SluiceError} when manifests cannot be read, or the kernel's rules.
 */
export async function compareRules(config: Config, stdin: Stdin): Promise<Comparison> {
  const setup = setupFrom(config);
  const against = config.againstManifests.length > 0 ? 'manifests' : config.against;
  const wanted = familiesOf(config);
  const before =
    against === 'kernel'
      ? await kernelRules(setup, wanted)
      : await otherRules(config, { setup, families: wanted, stdin });
  const families = [...before.keys()];
  const after = await desiredRules({ setup, paths: config.manifests, families, stdin });
  return {
    backend: setup.backend,
    against,
    families: families.map((family) => ({
      family,
      before: before.get(family) ?? NO_RULES,
      after: after.families.get(family)?.rules ?? NO_RULES,
    })),
    badObjects: after.badObjects,
    warnings: after.warnings,
  };
}

/** The bytes that a fresh node is fed, per family. @throws {SluiceError} when manifests cannot be read. */
export async function renderRules(
  config: Config,
  stdin: Stdin,
): Promise<
  Omit<Desired, 'families'> & { readonly texts: readonly { readonly family: IpFamily; readonly text: string }[] }
> {
  const setup = setupFrom(config);
  const desired = await desiredRules({ setup, paths: config.manifests, families: familiesOf(config), stdin });
  const texts = [...desired.families].map(([family, { plan, rules }]) => ({
    family,
    text: setup.backend.text(plan, diffRuleSets(NO_RULES, rules), setup.backendSettings),
  }));
  return { texts, badObjects: desired.badObjects, warnings: desired.warnings };
}

function familiesOf({ family }: Config): readonly IpFamily[] {
  return family === 'all' ? IP_FAMILIES : [family];
}

async function kernelRules(setup: Setup, wanted: readonly IpFamily[]): Promise<ReadonlyMap<IpFamily, RuleSet>> {
  const { families } = await setup.backend.probe(systemRunner);
  const rules = new Map<IpFamily, RuleSet>();
  for (const family of wanted.filter((candidate) => families.includes(candidate))) {
    const driver = setup.backend.openDriver({ family, runner: systemRunner, settings: setup.backendSettings });
    try {
      rules.set(family, await driver.read());
    } finally {
      await driver.close();
    }
  }
  return rules;
}

async function otherRules(
  { againstManifests: paths }: Config,
  { setup, families, stdin }: { setup: Setup; families: readonly IpFamily[]; stdin: Stdin },
): Promise<ReadonlyMap<IpFamily, RuleSet>> {
  if (paths.length === 0) return new Map(families.map((family) => [family, NO_RULES]));
  const desired = await desiredRules({ setup, paths, families, stdin });
  return new Map([...desired.families].map(([family, { rules }]) => [family, rules]));
}
