import type { CompileInputs } from '../compiler/compile.ts';
import type { Problem } from '../model/problem.ts';
import { describeProblem } from '../model/problem.ts';
import { Store } from '../model/store.ts';
import type { Manifests } from '../source/manifest-reader.ts';
import { nodeInfoFrom } from '../source/node-facts.ts';
import type { Setup } from './setup.ts';
import { machineOf } from './setup.ts';

/** A cluster as manifests describe it, ready to be compiled for any family. */
export interface ManifestCluster {
  readonly inputs: Omit<CompileInputs, 'family'>;
  /** Objects, or parts of them, that cannot be used. */
  readonly problems: readonly Problem[];
  /** The same, one line each. */
  readonly badObjects: readonly string[];
  /** What is probably not meant, but can be used; one line each. */
  readonly warnings: readonly string[];
}

/** Puts the objects of manifests together with what is known of the node. */
export function clusterOf(manifests: Manifests, setup: Setup): ManifestCluster {
  const store = new Store(setup.lent);
  for (const object of manifests.objects.values()) store.apply(object);
  return describeCluster(store, manifests, setup);
}

/** The same for a store that already has the objects and lives on. */
export function describeCluster(store: Store, manifests: Manifests, setup: Setup): ManifestCluster {
  const nodes = store.nodes();
  const node = nodeInfoFrom({ overrides: setup.nodeOverrides, nodes, machine: machineOf(setup) });
  const unknownNode = nodes.size > 0 && !nodes.has(node.name);
  const orphans = store
    .orphanSlices()
    .map((name) => `EndpointSlice ${name}: its Service is not in the manifests (ignored)`);
  const problems = [...manifests.problems, ...store.problems()];
  return {
    inputs: { snapshot: store.snapshot(), node, settings: setup.compileSettings },
    problems,
    badObjects: problems.map(describeProblem),
    warnings: unknownNode
      ? [...orphans, `the manifests have no Node ${node.name}, so its addresses and zone are unknown`]
      : orphans,
  };
}
