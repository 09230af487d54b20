import type { Lab } from '../../src/lab/lab.ts';
import type { Transport } from '../../src/lab/protocol.ts';
import { describeCluster } from '../../src/app/cluster.ts';
import { setupFrom } from '../../src/app/setup.ts';
import { assemble } from '../../src/backend/assembly.ts';
import { diffRuleSets } from '../../src/backend/rules.ts';
import { compile } from '../../src/compiler/compile.ts';
import { flagLayer, resolveOptions } from '../../src/config/resolve.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { identify } from '../../src/model/object.ts';
import { Store } from '../../src/model/store.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../src/lab/api/fake-api-cluster.ts';
import { FaultyApiServer } from './faulty-api-server.ts';
import type { HttpAnswer } from './http.ts';
import { ask } from './http.ts';
import type { CommandOptions } from './program-command.ts';
import { SluiceCommand } from './program-command.ts';
import type { ProgramService } from './program-objects.ts';
import { NODE_OBJECT, objectsOf, TOPOLOGY } from './program-objects.ts';
import type { ProgramVariant } from './program-variants.ts';

/** kube-proxy's ports. */
const HEALTH_PORT = 10_256;
const METRICS_PORT = 10_249;

const KINDS = ['Service', 'EndpointSlice', 'Node', 'ServiceCIDR'];

/** A cluster with an API server on the node's loopback, and the program following it. */
export class AgentCluster {
  readonly objects = new FakeApiCluster();
  readonly server = new FaultyApiServer(this.objects);
  readonly #variant: ProgramVariant;

  constructor(variant: ProgramVariant) {
    this.#variant = variant;
  }

  /** Starts the server; the cluster has the lab's Node and these Services. */
  async start(services: readonly ProgramService[] = []): Promise<void> {
    await this.server.start();
    await this.putNode();
    for (const service of services) await this.put(service);
  }

  /** Adds the Service and its slices, or changes those of that name. */
  async put(service: ProgramService, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
    for (const object of objectsOf(service) as readonly UntypedObject[]) {
      await this.objects.put({ ...object, metadata: { ...object.metadata, annotations } as UntypedObject['metadata'] });
    }
  }

  async remove(service: ProgramService): Promise<void> {
    for (const object of objectsOf(service)) await this.objects.remove(object as UntypedObject);
  }

  /** The lab's Node, with more in its metadata and spec. */
  async putNode(more: { readonly metadata?: object; readonly spec?: object } = {}): Promise<void> {
    const metadata = { ...NODE_OBJECT.metadata, ...more.metadata };
    await this.objects.put({ ...NODE_OBJECT, metadata, spec: { ...NODE_OBJECT.spec, ...more.spec } });
  }

  removeNode(): Promise<void> {
    return this.objects.remove(NODE_OBJECT);
  }

  /** `run` against this server, on the lab's node. */
  run(args: readonly string[] = [], options?: CommandOptions): SluiceCommand {
    return new SluiceCommand(['run', ...this.#flags(), ...args], options);
  }

  #flags(): readonly string[] {
    const clusterCidr = Object.values(TOPOLOGY.clusterCidrs).join(',');
    const node = ['--hostname-override', TOPOLOGY.node.name, '--cluster-cidr', clusterCidr];
    // In a private user namespace nobody may change how likely the kernel is to end it.
    return ['--master', this.server.url, ...node, '--backend', this.#variant.backend.name, '--oom-score-adj', '0'];
  }

  /** What the kernel holds otherwise than a compile from scratch of the server's objects gives. */
  async differences(): Promise<readonly string[]> {
    const flags = {
      backend: this.#variant.backend.name,
      'hostname-override': TOPOLOGY.node.name,
      'cluster-cidr': Object.values(TOPOLOGY.clusterCidrs),
    };
    const setup = setupFrom(resolveOptions('run', [flagLayer(flags)]));
    const { backend } = setup;
    const { iptables } = this.#variant;
    const settings = { ...setup.backendSettings, ...(iptables === undefined ? {} : { iptablesVariant: iptables }) };
    const store = new Store();
    const objects = await Promise.all(KINDS.map((kind) => this.objects.list(kind)));
    for (const json of objects.flat()) {
      const identity = identify(json);
      if (identity !== undefined) store.apply({ ...identity, json });
    }
    const nothing = { objects: new Map(), problems: [], failures: [], emptied: [] };
    const { inputs } = describeCluster(store, { ...nothing, found: { files: [], watched: new Map() } }, setup);
    const found: string[] = [];
    for (const family of IP_FAMILIES) {
      const driver = backend.openDriver({ family, runner: systemRunner, settings });
      const { plan } = compile({ ...inputs, family });
      const change = diffRuleSets(await driver.read(), assemble(backend.spelling(settings), plan).rules);
      await driver.close();
      const ids = [...change.objects, ...change.members].map(({ id }) => id);
      found.push(...[...ids, ...backend.explain(change)].map((line) => `${family} ${line}`));
    }
    return found;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/** Asks one of the program's servers. */
export function askHealth(path: string): Promise<HttpAnswer> {
  return ask({ port: HEALTH_PORT, path });
}

export function askMetrics(path: string): Promise<HttpAnswer> {
  return ask({ port: METRICS_PORT, path });
}

/** The status code and what is wrong, `503 node-gone`; `down` when nobody listens. */
export async function healthOf(path = '/healthz'): Promise<string> {
  try {
    const { status, headers } = await askHealth(path);
    return [status, headers['x-sluice-ailments']].filter((part) => part !== undefined).join(' ');
  } catch {
    return 'down';
  }
}

/** Who answers one connection to a Service, or how it ended. */
export async function answerer(
  lab: Lab,
  packet: { from: string; protocol: Transport; address: string; port: number; sourcePort?: number },
): Promise<string> {
  const { from, ...probe } = packet;
  const result = await lab.at(from).probe({ ...probe, timeoutMs: 400 });
  return result.outcome === 'reply' ? result.server : result.outcome;
}
