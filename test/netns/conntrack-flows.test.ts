import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { describeCluster } from '../../src/app/cluster.ts';
import { setupFrom } from '../../src/app/setup.ts';
import { StaleFlows } from '../../src/applier/stale-flows.ts';
import { systemClock } from '../../src/base/clock.ts';
import { compile } from '../../src/compiler/compile.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Conntrack } from '../../src/kernel/conntrack.ts';
import { interfaceAddresses } from '../../src/kernel/interfaces.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { Hold } from '../../src/lab/origin.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { emptyMachine } from '../support/program-machine.ts';
import { configFor, ProgramNode } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import { clusterIp, loadBalancerIp, nodePort, SERVER_PORT, SERVICE_PORT } from '../support/program-objects.ts';
import { startServers } from '../support/program-traffic.ts';
import type { ProgramVariant } from '../support/program-variants.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const SERVICE: ProgramService = { name: 'flows', id: 40, pods: ['remote-a'] };
const SOURCE_PORT = 45_000;

/** One client for each way to the Service; each has one flow of its own. */
const WAYS = ['ClusterIP', 'LoadBalancer', 'NodePort', 'NodePort from the node', 'external address'] as const;

const OLD = WAYS.map((way) => `${way}: remote-a`);

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await startServers(lab);
});

afterAll(() => lab.close());

function wayTo(way: (typeof WAYS)[number], family: IpFamily): { from: string; address: string; port: number } {
  switch (way) {
    case 'ClusterIP':
      return { from: 'pod-a', address: clusterIp(SERVICE, family), port: SERVICE_PORT };
    case 'LoadBalancer':
      return { from: 'outside', address: loadBalancerIp(SERVICE, family), port: SERVICE_PORT };
    case 'NodePort':
      return { from: 'outside', address: lab.topology.node.addresses[family], port: nodePort(SERVICE) };
    case 'NodePort from the node':
      return { from: 'node', address: lab.topology.node.addresses[family], port: nodePort(SERVICE) };
    case 'external address':
      return { from: 'pod-a', address: externalIp(family), port: SERVICE_PORT };
  }
}

function externalIp(family: IpFamily): string {
  return { IPv4: '198.51.100.40', IPv6: '2001:db8:100::40' }[family];
}

/** The Service with all the addresses that a Service can have, one packet to each of which goes on from port 45000. */
function full(pods: readonly string[]): ProgramService {
  return {
    ...SERVICE,
    pods,
    spec: { type: 'LoadBalancer', externalIPs: IP_FAMILIES.map(externalIp) },
    status: { loadBalancer: { ingress: IP_FAMILIES.map((family) => ({ ip: loadBalancerIp(SERVICE, family) })) } },
  };
}

/** The next packet of a client's flow. @returns who answered, or how it ended. */
async function send(from: string, address: string, port: number): Promise<string> {
  const probe = { protocol: 'udp', address, port, sourcePort: SOURCE_PORT, timeoutMs: 500 } as const;
  const result = await lab.at(from).probe(probe);
  return result.outcome === 'reply' ? result.server : result.outcome;
}

async function sendAll(family: IpFamily): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const way of WAYS) {
    const { from, address, port } = wayTo(way, family);
    answers.push(`${way}: ${await send(from, address, port)}`);
  }
  return answers;
}

/** What the applier does, with a pause where tests look. */
class Machine {
  readonly node: ProgramNode;
  readonly stale: StaleFlows;
  readonly #setup: ReturnType<typeof setupFrom>;

  constructor(variant: ProgramVariant, service: ProgramService) {
    this.node = new ProgramNode(variant, [service]);
    this.#setup = setupFrom(configFor(variant));
    this.stale = new StaleFlows({
      conntrack: new Conntrack(systemRunner),
      clock: systemClock,
      log: this.node.complaints.log,
      localAddresses: interfaceAddresses,
    });
  }

  async write(): Promise<void> {
    const nothing = { objects: new Map(), problems: [], failures: [], emptied: [] };
    const manifests = { ...nothing, found: { files: [], watched: new Map() } };
    const { inputs } = describeCluster(this.node.store, manifests, this.#setup);
    for (const family of IP_FAMILIES) {
      const { plan } = compile({ ...inputs, family });
      this.stale.note({ plan, endpoints: inputs.snapshot.endpoints });
    }
    await this.node.sync();
  }

  /** @returns how many flows were cut. */
  async clean(): Promise<number> {
    let deleted = 0;
    for (const family of IP_FAMILIES) {
      const report = await this.stale.clean(family);
      if (report.failure !== undefined) throw report.failure;
      deleted += report.deleted;
    }
    return deleted;
  }
}

describe.each(PROGRAM_VARIANTS)('$title', (variant) => {
  let machine: Machine;

  beforeEach(async () => {
    machine = new Machine(variant, full(['remote-a']));
    await machine.write();
    await machine.clean();
  });

  afterEach(async () => {
    expect(machine.node.complaints.lines).toEqual([]);
    await machine.node.stop();
    await emptyMachine();
  });

  describe.each(IP_FAMILIES)('%s', (family) => {
    beforeEach(async () => {
      expect(await sendAll(family)).toEqual(OLD);
    });

    test('flows follow to the new endpoint, once they are cut', async () => {
      machine.node.put(full(['remote-b']));
      await machine.write();
      expect(await sendAll(family)).toEqual(OLD);
      expect(await machine.clean()).toBe(WAYS.length);
      expect(await sendAll(family)).toEqual(WAYS.map((way) => `${way}: remote-b`));
      expect(await machine.clean()).toBe(0);
    });

    test('one more endpoint cuts nothing', async () => {
      machine.node.put(full(['remote-a', 'remote-b']));
      await machine.write();
      expect(await machine.clean()).toBe(0);
      expect(await sendAll(family)).toEqual(OLD);
    });

    test('a Service without endpoints refuses, old flows too', async () => {
      machine.node.put(full([]));
      await machine.write();
      expect(await sendAll(family)).toEqual(OLD);
      expect(await machine.clean()).toBe(WAYS.length);
      expect((await sendAll(family)).filter((answer) => answer.endsWith('remote-a'))).toEqual([]);
      expect(await send('pod-a', clusterIp(SERVICE, family), SERVICE_PORT)).toBe('refused');
    });

    test('a deleted Service answers no more', async () => {
      machine.node.remove(full(['remote-a']));
      await machine.write();
      expect(await sendAll(family)).toEqual(OLD);
      expect(await machine.clean()).toBe(WAYS.length);
      expect((await sendAll(family)).filter((answer) => answer.endsWith('remote-a'))).toEqual([]);
    });

    test('addresses and a NodePort that are taken away answer no more, the others go on', async () => {
      const ports = [{ name: 'udp', protocol: 'UDP', port: SERVICE_PORT }];
      machine.node.put({ ...SERVICE, spec: { type: 'ClusterIP', ports } });
      await machine.write();
      expect(await sendAll(family)).toEqual(OLD);
      expect(await machine.clean()).toBe(WAYS.length - 1);
      expect((await sendAll(family)).filter((answer) => answer.endsWith('remote-a'))).toEqual(['ClusterIP: remote-a']);
    });

    test('flows of others to the same port go on, and TCP connections', async () => {
      const pod = lab.at('remote-c').addresses[family];
      const ports = [nodePort(SERVICE), SERVICE_PORT];
      const listeners = await Promise.all(
        ports.flatMap((port) =>
          ['remote-a', 'remote-c'].map((name) => lab.at(name).listen({ protocol: 'udp', port, name: 'itself' })),
        ),
      );
      const holds: Hold[] = [];
      for (const address of [clusterIp(SERVICE, family), loadBalancerIp(SERVICE, family)]) {
        holds.push(await lab.at('pod-b').hold({ address, port: SERVICE_PORT }));
      }
      for (const port of ports) expect(await send('pod-a', pod, port)).toBe('itself');
      for (const port of ports) expect(await send('pod-a', lab.at('remote-a').addresses[family], port)).toBe('itself');
      expect(await send('outside', lab.at('remote-a').addresses[family], SERVER_PORT)).toBe('remote-a');
      const conntrack = new Conntrack(systemRunner);
      const direct = () =>
        conntrack.list(family, (flow) => flow.destination === flow.replySource && flow.source !== flow.destination);
      const before = await direct();
      expect(before).toHaveLength(5);
      machine.node.remove(full(['remote-a']));
      await machine.write();
      expect(await machine.clean()).toBe(WAYS.length);
      expect(await direct()).toEqual(before);
      for (const hold of holds) {
        expect(await hold.check()).toMatchObject({ alive: true });
        await hold.close();
      }
      await Promise.all(listeners.map((listener) => listener.close()));
    });

    test('a proxy that starts anew keeps good flows and cuts the others', async () => {
      const same = new Machine(variant, full(['remote-a']));
      await same.write();
      expect(await same.clean()).toBe(0);
      await same.node.stop();
      const other = new Machine(variant, full(['remote-b']));
      await other.write();
      expect(await sendAll(family)).toEqual(OLD);
      expect(await other.clean()).toBe(WAYS.length);
      expect(await sendAll(family)).toEqual(WAYS.map((way) => `${way}: remote-b`));
      await other.node.stop();
    });
  });
});
