import { assemble } from '../backend/assembly.ts';
import type { RuleSet } from '../backend/rules.ts';
import { compile, conflictsOf, warningsOf } from '../compiler/compile.ts';
import type { Plan } from '../compiler/plan.ts';
import type { IpFamily } from '../model/address.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import type { ManifestCluster } from './cluster.ts';
import { clusterOf } from './cluster.ts';
import type { Setup } from './setup.ts';

/** The rules that a node should have according to some manifests. */
export interface Desired {
  readonly families: ReadonlyMap<IpFamily, { readonly plan: Plan; readonly rules: RuleSet }>;
  readonly badObjects: ManifestCluster['badObjects'];
  readonly warnings: ManifestCluster['warnings'];
}

export interface DesiredOptions {
  readonly setup: Setup;
  readonly paths: readonly string[];
  readonly families: readonly IpFamily[];
  readonly stdin: AsyncIterable<Buffer | string>;
}

/** @throws {SluiceError} `file-unreadable`, `bad-yaml`. */
export async function desiredRules({ setup, paths, families, stdin }: DesiredOptions): Promise<Desired> {
  const manifests = await new ManifestReader(paths, stdin).read();
  const { inputs, badObjects, warnings } = clusterOf(manifests, setup);
  const spelling = setup.backend.spelling(setup.backendSettings);
  const compilations = families.map((family) => compile({ ...inputs, family }));
  const conflicts = compilations
    .flatMap(conflictsOf)
    .map(
      ({ destination, winner, loser }) =>
        `${destination} is wanted by ${winner} and ${loser}; the older, ${winner}, has it`,
    );
  return {
    families: new Map(compilations.map(({ plan }) => [plan.family, { plan, rules: assemble(spelling, plan).rules }])),
    badObjects,
    warnings: [...warnings, ...conflicts, ...families.flatMap((family) => warningsOf({ ...inputs, family }))],
  };
}
