import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../src/compiler/compile.ts';
import type { Compilation } from '../../src/compiler/compile.ts';
import type { Plan } from '../../src/compiler/plan.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { NodeFacts } from '../../src/model/decode-node.ts';
import { decodeNode } from '../../src/model/decode-node.ts';
import { describeProblem } from '../../src/model/problem.ts';
import { Store } from '../../src/model/store.ts';
import { parseManifest } from '../../src/source/manifests.ts';
import { destinationAddress, nodeAddresses, packetOf } from './scenario-addresses.ts';
import type { Packet } from './scenario-addresses.ts';
import type { Row, Step } from './scenario-rows.ts';
import { concerns, parsePackets } from './scenario-rows.ts';
import type { ScenarioSettings } from './scenario-settings.ts';
import { readSettings, TOPOLOGY } from './scenario-settings.ts';

export const SCENARIOS_FOLDER = join(import.meta.dirname, '../scenarios');

/** Names of all scenarios, sorted. */
export const SCENARIO_NAMES = readdirSync(SCENARIOS_FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();

/** The lab's node as its Node object would have it, for scenarios that have none of their own. */
const USUAL_NODE: UntypedObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: TOPOLOGY.node.name, labels: { 'topology.kubernetes.io/zone': TOPOLOGY.node.zone } },
  spec: { podCIDRs: Object.values(TOPOLOGY.node.podCidrs) },
  status: { addresses: Object.values(TOPOLOGY.node.addresses).map((address) => ({ type: 'InternalIP', address })) },
};

/** One packet of a row in one family. */
export interface Check {
  readonly row: Row;
  readonly packet: Packet;
}

/** A moment of a scenario: what is planned, and what becomes of packets. */
export interface Moment {
  readonly step: Step | undefined;
  /** What the step adds to the cluster or changes; at first everything, the Node included. */
  readonly objects: readonly UntypedObject[];
  readonly plans: Readonly<Record<IpFamily, Plan>>;
  readonly checks: readonly Check[];
}

/** A folder of `test/scenarios`, compiled for one backend. */
export interface Scenario {
  readonly settings: ScenarioSettings;
  readonly moments: readonly Moment[];
  /** What was found wrong with the objects. */
  readonly problems: readonly string[];
}

/** Reads a scenario and plays it through store and compiler. @throws {Error} where the files make no sense. */
export function playScenario(name: string, backend: string): Scenario {
  const folder = join(SCENARIOS_FOLDER, name);
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
  const settings = readSettings(existsSync(join(folder, 'settings.yaml')) ? read('settings.yaml') : undefined, backend);
  const cluster = new Cluster(settings);
  const first = cluster.apply(read('objects.yaml'), 'objects.yaml');
  if (!first.some(({ kind }) => kind === 'Node')) first.push(USUAL_NODE);
  const stages = parsePackets(read('packets.txt'), `${name}/packets.txt`);
  const moments = stages.map(({ step, rows }): Moment => {
    const changed = step !== undefined && 'apply' in step ? cluster.apply(read(step.apply), step.apply) : [];
    const plans = cluster.compile();
    const checks = IP_FAMILIES.flatMap((family) =>
      rows.filter((row) => concerns(row, backend, family)).flatMap((row) => cluster.check(row, family)),
    );
    return { step, objects: step === undefined ? first : changed, plans, checks };
  });
  return { settings, moments, problems: cluster.problems };
}

/** The objects as they are at one moment. */
class Cluster {
  readonly #settings: ScenarioSettings;
  readonly #store = new Store();
  readonly #services = new Map<string, unknown>();
  readonly #compilations = new Map<IpFamily, Compilation>();

  constructor(settings: ScenarioSettings) {
    this.#settings = settings;
  }

  get problems(): readonly string[] {
    return this.#store.problems().map(describeProblem);
  }

  /** @returns the objects of the manifest. */
  apply(manifest: string, file: string): UntypedObject[] {
    const { objects } = parseManifest(manifest, file);
    for (const object of objects) {
      this.#store.apply({ ...object, origin: undefined });
      if (object.kind === 'Service') this.#services.set(object.name, object.json);
    }
    return objects.map(({ json }) => json as UntypedObject);
  }

  compile(): Record<IpFamily, Plan> {
    const facts = this.#store.nodes().get(TOPOLOGY.node.name) ?? usualNode();
    const interfaceAddresses = [...nodeAddresses(this.#settings.nodeAddresses)];
    const node = { ...facts, interfaceAddresses };
    const plan = (family: IpFamily): Plan => {
      const inputs = { snapshot: this.#store.snapshot(), node, settings: this.#settings.compile, family };
      const compilation = compile(inputs, this.#compilations.get(family));
      this.#compilations.set(family, compilation);
      return compilation.plan;
    };
    return { IPv4: plan('IPv4'), IPv6: plan('IPv6') };
  }

  check(row: Row, family: IpFamily): readonly Check[] {
    const destination = destinationAddress(row, family, [...this.#services.values()]);
    if (destination === undefined) return [];
    return [{ row, packet: packetOf(row, destination, this.#settings.nodeAddresses) }];
  }
}

function usualNode(): NodeFacts {
  const { value, problems } = decodeNode(USUAL_NODE);
  if (value === undefined || problems.length > 0) throw new Error('the lab has no proper node');
  return value;
}
