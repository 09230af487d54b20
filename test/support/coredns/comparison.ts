import { setTimeout as sleep } from 'node:timers/promises';
import type { UntypedObject } from '../../../src/lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../../src/lab/api/fake-api-cluster.ts';
import type { FakeUpstream } from '../../unit/dns/forward/fake-upstream.ts';
import { FaultyApiServer } from '../faulty-api-server.ts';
import { DnsClient } from './client.ts';
import type { DnsQuery, DnsReply } from './message.ts';
import type { DnsVariant } from './server.ts';
import { DNS_VARIANTS, DnsServers } from './server.ts';
import { outsideWorld } from './upstream.ts';

/** Longer than starts and watches take on a very busy machine. */
const SYNC_TIMEOUT_MS = 30_000;

/** Whoever has not answered after this long does not. */
const SILENCE_MS = 2000;

/** Questions under way to each server. */
const WINDOW = 64;

/** A question with what each server says; `undefined`: nothing. */
export interface Compared {
  readonly query: DnsQuery;
  readonly coredns: DnsReply | undefined;
  readonly sluice: DnsReply | undefined;
}

interface Clients {
  readonly coredns: DnsClient;
  readonly sluice: DnsClient;
}

/** CoreDNS and sluice, several times each, with the same API server and the same upstream. */
export class DnsComparison {
  readonly #objects = new FakeApiCluster();
  readonly #api = new FaultyApiServer(this.#objects);
  readonly #upstream: FakeUpstream;
  readonly #clients = new Map<DnsVariant, Clients>();
  #servers: DnsServers | undefined;
  #world: readonly UntypedObject[] = [];
  #mark = 0;

  private constructor(upstream: FakeUpstream) {
    this.#upstream = upstream;
  }

  static async start(): Promise<DnsComparison> {
    const comparison = new DnsComparison(await outsideWorld());
    await comparison.#api.start();
    const around = { api: comparison.#api.url, upstream: comparison.#upstream.address };
    comparison.#servers = await DnsServers.start(around);
    for (const variant of DNS_VARIANTS) {
      const [coredns, sluice] = await Promise.all(
        [variant.ports.coredns, variant.ports.sluice].map((port) => DnsClient.connect(port)),
      );
      if (coredns !== undefined && sluice !== undefined) comparison.#clients.set(variant, { coredns, sluice });
    }
    return comparison;
  }

  /** Replaces all objects, and waits until all servers have done the same. */
  async enter(objects: readonly UntypedObject[]): Promise<void> {
    for (const object of this.#world) await this.#objects.remove(object);
    for (const object of objects) await this.#objects.put(object);
    this.#world = objects;
    this.#mark++;
    for (const object of markNumbered(this.#mark)) await this.#objects.put(object);
    const end = Date.now() + SYNC_TIMEOUT_MS;
    for (const variant of DNS_VARIANTS) {
      while (!(await this.#hasMark(variant))) {
        if (Date.now() > end) throw new Error(`${variant.name}: no sync:\n${this.#servers?.words}`);
        await sleep(20);
      }
    }
  }

  /** In the order of the questions. */
  async ask(variant: DnsVariant, queries: readonly DnsQuery[]): Promise<readonly Compared[]> {
    const { coredns, sluice } = this.#of(variant);
    for (const client of [coredns, sluice]) client.hangUp();
    const results: Compared[] = [];
    const rest = queries.entries();
    const work = async (): Promise<void> => {
      for (const [i, query] of rest) {
        const [theirs, ours] = await Promise.all([coredns.ask(query), sluice.ask(query)]);
        results[i] = { query, coredns: theirs, sluice: ours };
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, work));
    return results;
  }

  /** What becomes of a packet over UDP, at both. */
  async fates(variant: DnsVariant, packet: (id: number) => Buffer): Promise<{ coredns: string; sluice: string }> {
    const { coredns, sluice } = this.#of(variant);
    const [theirs, ours] = await Promise.all([coredns, sluice].map((client) => client.send('udp', packet, SILENCE_MS)));
    return { coredns: theirs?.rcode ?? 'silence', sluice: ours?.rcode ?? 'silence' };
  }

  async stop(): Promise<void> {
    for (const { coredns, sluice } of this.#clients.values()) for (const client of [coredns, sluice]) client.close();
    await this.#servers?.stop();
    await this.#api.stop();
    this.#upstream.stop();
  }

  #of(variant: DnsVariant): Clients {
    const clients = this.#clients.get(variant);
    if (clients === undefined) throw new Error(`${variant.name} was not started`);
    return clients;
  }

  /** One object of each kind: every kind has a watch of its own. */
  async #hasMark(variant: DnsVariant): Promise<boolean> {
    const { coredns, sluice } = this.#of(variant);
    const questions = marksOf(this.#mark).filter(({ only }) => only === undefined || only === variant.name);
    const replies = await Promise.all(
      [coredns, sluice].flatMap((client) =>
        questions.map(async ({ name, shows }) => {
          const reply = await client.ask({ name, type: 1, transport: 'udp' }, 500);
          return reply !== undefined && shows(reply);
        }),
      ),
    );
    return replies.every(Boolean);
  }
}

function addressNumbered(mark: number, network: number): string {
  return `10.${network}.${mark >> 8}.${mark & 0xff}`;
}

function markNumbered(mark: number): readonly UntypedObject[] {
  const namespace = 'kube-mark';
  const clusterIP = addressNumbered(mark, 110);
  const [endpoint, pod] = [addressNumbered(mark, 230), addressNumbered(mark, 231)];
  const service = (name: string, ip: string): UntypedObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { type: 'ClusterIP', clusterIP: ip, clusterIPs: [ip], ports: [{ port: 1, protocol: 'TCP' }] },
  });
  return [
    ...[namespace, `mark-${mark}`].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    service('endpoints', 'None'),
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace, name: 'endpoints', labels: { 'kubernetes.io/service-name': 'endpoints' } },
      addressType: 'IPv4',
      ports: [],
      endpoints: [{ addresses: [endpoint] }],
    },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace, name: 'pod' },
      status: { phase: 'Running', podIP: pod, podIPs: [{ ip: pod }] },
    },
    service('service', clusterIP),
  ];
}

interface Mark {
  readonly name: string;
  readonly shows: (reply: DnsReply) => boolean;
  /** The variant that can see it. */
  readonly only?: string;
}

function marksOf(mark: number): readonly Mark[] {
  const has = (address: string) => (reply: DnsReply) => reply.answer.some((text) => text.endsWith(` ${address}`));
  const pod = addressNumbered(mark, 231);
  return [
    { name: 'service.kube-mark.svc.cluster.local', shows: has(addressNumbered(mark, 110)) },
    { name: 'endpoints.kube-mark.svc.cluster.local', shows: has(addressNumbered(mark, 230)) },
    { name: `mark-${mark}.svc.cluster.local`, shows: ({ rcode }) => rcode === 'NOERROR' },
    { name: `${pod.replaceAll('.', '-')}.kube-mark.pod.cluster.local`, shows: has(pod), only: 'pods verified' },
  ];
}
