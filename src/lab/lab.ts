import { networkInterfaces } from 'node:os';
import { SluiceError } from '../base/errors.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import { AgentClient } from './agent-client.ts';
import { buildNetwork, makeNamespaces, namespacesOf, removeNetwork } from './network.ts';
import { Origin } from './origin.ts';
import { isInsidePrivateNamespace } from './private-namespace.ts';
import { commandOf } from './self.ts';
import type { LabPod, Topology, TopologyOptions } from './topology.ts';
import { planTopology } from './topology.ts';

export interface LabOptions extends TopologyOptions {
  /** Program and arguments that start an agent. Default: this program's own. */
  readonly agentCommand?: readonly [string, ...string[]];
  readonly runner?: CommandRunner;
}

const AGENT_COMMAND = commandOf('lab-agent', new URL('./agent-main.ts', import.meta.url));

/** Long enough for Node to start on an overloaded machine. */
const AGENT_START_TIMEOUT_MS = 60_000;

/**
 * A node with local pods, another node's pods and an outside client, made of network namespaces: real packets, real
 * netfilter. The process's own namespace is the node, so it has to be a private one (`enterPrivateNamespace`).
 */
export class Lab {
  readonly topology: Topology;
  /** Do packets between two pods of the bridge meet netfilter? As the kernel has it. */
  readonly bridgeNetfilter: boolean;
  readonly #runner: CommandRunner;
  readonly #agents: ReadonlyMap<string, AgentClient>;
  readonly #origins: ReadonlyMap<string, Origin>;
  #closed: Promise<void> | undefined;

  private constructor(parts: {
    topology: Topology;
    bridgeNetfilter: boolean;
    runner: CommandRunner;
    agents: ReadonlyMap<string, AgentClient>;
  }) {
    this.topology = parts.topology;
    this.bridgeNetfilter = parts.bridgeNetfilter;
    this.#runner = parts.runner;
    this.#agents = parts.agents;
    this.#origins = new Map(originsOf(parts.topology, parts.agents).map((origin) => [origin.name, origin]));
  }

  /**
   * Builds the network and starts an agent in each namespace. One lab at a time.
   *
   * @throws {SluiceError} `lab-failed` outside a private namespace, or with the command that failed; nothing is left
   *   then.
   */
  static async create(options: LabOptions = {}): Promise<Lab> {
    refuseOutsidePrivateNamespace();
    const { runner = systemRunner, agentCommand = AGENT_COMMAND } = options;
    const topology = planTopology(options);
    const agents = new Map<string, AgentClient>();
    try {
      await makeNamespaces(runner, topology);
      const [{ bridgeNetfilter }] = await allDone([
        buildNetwork(runner, topology),
        startAgents(agents, topology, agentCommand),
      ]);
      return new Lab({ topology, bridgeNetfilter, runner, agents });
    } catch (thrown) {
      await tearDown(runner, topology, agents);
      throw thrown;
    }
  }

  /** All pods, the local ones first. */
  get pods(): readonly LabPod[] {
    return this.topology.pods;
  }

  /** Process ids of the agents, by the name of their network namespace (`node` for the lab's own). */
  get agentPids(): ReadonlyMap<string, number> {
    return new Map([...this.#agents].map(([name, agent]) => [name, agent.pid]));
  }

  /**
   * Where packets come from and servers live: `node`, `outside`, `remote` (the other node itself) or a pod's name.
   *
   * @throws {SluiceError} `lab-failed` for any other name.
   */
  at(name: string): Origin {
    const origin = this.#origins.get(name);
    if (origin !== undefined) return origin;
    throw new SluiceError({
      code: 'lab-failed',
      message: `the lab has no ${name}`,
      hint: `there are ${[...this.#origins.keys()].join(', ')}`,
    });
  }

  /** @throws {SluiceError} `lab-failed` when there is no such pod. */
  pod(name: string): LabPod {
    const pod = this.topology.pods.find((one) => one.name === name);
    if (pod === undefined) throw new SluiceError({ code: 'lab-failed', message: `the lab has no pod ${name}` });
    return pod;
  }

  /** Ends the agents and removes links and namespaces; the node's sysctls and rules stay. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= tearDown(this.#runner, this.topology, this.#agents);
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function refuseOutsidePrivateNamespace(): void {
  const foreign = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  if (isInsidePrivateNamespace() && foreign.length === 0) return;
  const why = isInsidePrivateNamespace()
    ? `there are links already: ${foreign.join(', ')}`
    : 'this is not a private namespace';
  throw new SluiceError({ code: 'lab-failed', message: `refusing to build the lab here: ${why}` });
}

async function startAgents(
  agents: Map<string, AgentClient>,
  topology: Topology,
  command: readonly [string, ...string[]],
): Promise<void> {
  const start = async (name: string, line: readonly [string, ...string[]]): Promise<void> => {
    const agent = await AgentClient.start(name, line);
    agents.set(name, agent);
    await agent.call('ping', {}, AGENT_START_TIMEOUT_MS);
  };
  await allDone([
    start('node', command),
    ...namespacesOf(topology).map((name) => start(name, ['ip', 'netns', 'exec', name, ...command])),
  ]);
}

function originsOf(topology: Topology, agents: ReadonlyMap<string, AgentClient>): Origin[] {
  const places = [
    { name: 'node', netns: 'node', addresses: topology.node.addresses },
    { name: 'outside', netns: 'outside', addresses: topology.outside.addresses },
    { name: 'remote', netns: 'remote', addresses: topology.remoteNode.addresses },
    ...topology.pods,
  ];
  return places.flatMap(({ name, netns, addresses }) => {
    const agent = agents.get(netns);
    return agent === undefined ? [] : [new Origin({ name, addresses, agent, bindsSource: name !== netns })];
  });
}

async function tearDown(
  runner: CommandRunner,
  topology: Topology,
  agents: ReadonlyMap<string, AgentClient>,
): Promise<void> {
  await Promise.all([...agents.values()].map((agent) => agent.stop()));
  await removeNetwork(runner, topology);
}

/** Like Promise.all, but nothing is under way any more when it rejects. */
async function allDone<T extends readonly Promise<unknown>[]>(
  tasks: [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks) as Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
}
