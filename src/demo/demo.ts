import type { Backend, BackendSettings } from '../backend/contract.ts';
import type { CompileSettings } from '../compiler/plan.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { Lab } from '../lab/lab.ts';
import type { IpAddress, IpFamily } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import type { ObjectEvent } from '../model/store.ts';
import { showChanges } from './changes.ts';
import type { Senders } from './expectation.ts';
import { expectationsOf } from './expectation.ts';
import { trafficTable } from './table.ts';
import type { Observation } from './traffic.ts';
import { observe } from './traffic.ts';
import { World } from './world.ts';

export interface DemoOptions {
  readonly backend: Backend;
  readonly backendSettings: BackendSettings;
  readonly settings: CompileSettings;
  readonly node: NodeInfo;
  readonly objects: readonly ObjectEvent[];
  readonly runner: CommandRunner;
  readonly print: (line: string) => void;
  readonly colour: boolean;
}

/**
 * Builds a node with pods and an outside client from network namespaces (the process must be in a private one), programs
 * it, sends packets from everywhere to everything, and changes the cluster while connections are being made.
 *
 * @returns whether every expectation held.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { print, colour } = options;
  const startMs = performance.now();
  print(`Building a node, eight pods and an outside client from network namespaces …`);
  await using lab = await Lab.create();
  const world = await World.open({ ...options, lab });
  try {
    const servers = await world.serve();
    print(`  ${lab.pods.length} pods with ${servers} servers are up after ${since(startMs)}`);
    const first = await world.sync();
    const services = world.plan('IPv4').services.size;
    print(
      `Programmed ${services} service ports with ${options.backend.name}: ${first.ms.toFixed(0)} ms for ${world.families.join(' and ')}\n`,
    );
    const observations: Observation[] = [];
    for (const family of world.families) {
      print(`${family}: connections to every destination (endpoints that answered / endpoints there are)`);
      const seen = await observeAll(lab, world, family);
      for (const line of trafficTable(seen, colour)) print(line);
      print('');
      observations.push(...seen);
    }
    const changes = await showChanges(lab, world, print);
    const checks = [...observations.map(({ held }) => held), ...changes];
    const held = checks.filter(Boolean).length;
    print(`\n${held} of ${checks.length} expectations held (${since(startMs)})`);
    return held === checks.length;
  } finally {
    await world.close();
  }
}

function observeAll(lab: Lab, world: World, family: IpFamily): Promise<readonly Observation[]> {
  const { node, outside } = lab.topology;
  const address = (text: string): IpAddress => text as IpAddress;
  const senders: Senders = {
    nodeAddress: address(node.addresses[family]),
    addresses: {
      pod: address(lab.pod('pod-a').addresses[family]),
      node: address(node.addresses[family]),
      outside: address(outside.addresses[family]),
    },
  };
  return Promise.all(
    expectationsOf(world.plan(family), senders).map((expectation) => observe(lab, family, expectation)),
  );
}

function since(startMs: number): string {
  return `${((performance.now() - startMs) / 1000).toFixed(1)} s`;
}
