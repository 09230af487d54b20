import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../src/lab/lab.ts';
import type { Hold, Stress } from '../../src/lab/origin.ts';
import type { Transport } from '../../src/lab/protocol.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { ProgramService } from './program-objects.ts';
import { clusterIp, loadBalancerIp, nodePort, SERVER_PORT, SERVICE_PORT, TOPOLOGY } from './program-objects.ts';

/** One client and one destination. */
export interface Stream {
  /** `pod-a tcp 10.96.0.1 80`, for messages. */
  readonly title: string;
  readonly from: string;
  readonly protocol: Transport;
  readonly address: string;
  readonly port: number;
  /** Of a client that keeps it; by default each connection has another. */
  readonly sourcePort?: number;
  /** Before it sends again; by default as long as {@link TrafficLimits} says. */
  readonly timeoutMs?: number;
}

const CLIENTS = ['pod-a', 'node', 'outside'] as const;

export interface TrafficLimits {
  /** Longer than anything that is done meanwhile. */
  readonly durationMs: number;
  /**
   * A packet that is not translated is never answered however often it is sent, since the connection is known by then; so
   * this may be longer than any pause of a busy machine.
   */
  readonly patienceMs: number;
  /** Of each client, between connections. */
  readonly pauseMs: number;
}

const LIMITS: TrafficLimits = { durationMs: 60_000, patienceMs: 5000, pauseMs: 0 };

/** For clients to have connections under way before and after something is done. */
const RUN_UP_MS = 100;

type Kind = 'ClusterIP' | 'NodePort' | 'LoadBalancer';

/** Clients of all three origins, of both families and of all protocols of the Service. */
export function streamsTo(
  service: ProgramService,
  kinds: readonly Kind[] = ['ClusterIP', 'NodePort'],
): readonly Stream[] {
  const { protocols = ['tcp', 'udp'] } = service;
  return kinds.flatMap((kind) =>
    IP_FAMILIES.flatMap((family) =>
      protocols.flatMap((protocol) =>
        CLIENTS.map((from) => {
          const place = destinationOf(service, kind, family);
          return { title: `${from} ${protocol} ${place.address} ${place.port}`, from, protocol, ...place };
        }),
      ),
    ),
  );
}

function destinationOf(service: ProgramService, kind: Kind, family: IpFamily): { address: string; port: number } {
  switch (kind) {
    case 'ClusterIP':
      return { address: clusterIp(service, family), port: SERVICE_PORT };
    case 'LoadBalancer':
      return { address: loadBalancerIp(service, family), port: SERVICE_PORT };
    case 'NodePort':
      return { address: TOPOLOGY.node.addresses[family], port: nodePort(service) };
  }
}

/** Every pod answers with its name, over TCP and UDP, whatever Services say. */
export async function startServers(lab: Lab): Promise<void> {
  const listening = lab.pods.flatMap(({ name }) =>
    (['tcp', 'udp'] as const).map((protocol) => lab.at(name).listen({ protocol, port: SERVER_PORT })),
  );
  await Promise.all(listening);
}

/** Sends one packet on every stream. @returns those that were not answered, and how they ended. */
export async function unanswered(
  lab: Lab,
  streams: readonly Stream[],
  timeoutMs = LIMITS.patienceMs,
): Promise<readonly string[]> {
  const results = await Promise.all(
    streams.map(async ({ title, from, ...packet }) => {
      const { outcome } = await lab.at(from).probe({ ...packet, timeoutMs });
      return outcome === 'reply' ? [] : [`${title}: ${outcome}`];
    }),
  );
  return results.flat();
}

/** The pods that answered `count` connections. */
export async function serversOf(
  lab: Lab,
  stream: Stream,
  count = 20,
  { patienceMs }: TrafficLimits = LIMITS,
): Promise<ReadonlySet<string>> {
  const { from, protocol, address, port } = stream;
  const results = await lab.at(from).probes({ protocol, address, port, count, timeoutMs: patienceMs });
  return new Set(results.map((result) => (result.outcome === 'reply' ? result.server : result.outcome)));
}

export interface TrafficReport {
  readonly connections: number;
  /** What did not work, one line per stream; empty when nothing was lost. */
  readonly lost: readonly string[];
}

interface Running {
  readonly stream: Stream;
  readonly stress: Stress;
}

interface Held {
  readonly stream: Stream;
  readonly hold: Hold;
}

/** Clients that connect without a break, and TCP connections that stay open. */
export class Traffic {
  readonly #running: readonly Running[];
  readonly #held: readonly Held[];
  readonly #patienceMs: number;

  private constructor(running: readonly Running[], held: readonly Held[], patienceMs: number) {
    this.#running = running;
    this.#held = held;
    this.#patienceMs = patienceMs;
  }

  /** Every stream has to work already; one connection of each TCP stream is held. */
  static async start(lab: Lab, streams: readonly Stream[], limits: TrafficLimits = LIMITS): Promise<Traffic> {
    const { durationMs, patienceMs, pauseMs } = limits;
    const broken = await unanswered(lab, streams, patienceMs);
    if (broken.length > 0) throw new Error(`before anything was done: ${broken.join(', ')}`);
    const held = await Promise.all(
      streams
        .filter(({ protocol }) => protocol === 'tcp')
        .map(async (stream) => ({ stream, hold: await lab.at(stream.from).hold(stream) })),
    );
    const running = streams.map((stream) => {
      const { title: _title, from, ...packet } = stream;
      const options = { timeoutMs: patienceMs, ...packet, durationMs, concurrency: 1, pauseMs };
      return { stream, stress: lab.at(from).stress(options) };
    });
    await sleep(RUN_UP_MS);
    return new Traffic(running, held, patienceMs);
  }

  /** Held connections that no longer carry data. */
  async #broken(patienceMs: number): Promise<readonly string[]> {
    const checked = await Promise.all(
      this.#held.map(async ({ stream, hold }) => {
        const result = await hold.check(patienceMs);
        return result.alive ? [] : [`${stream.title}: held connection: ${result.reason}`];
      }),
    );
    return checked.flat();
  }

  /** @param heldPatienceMs may be shorter where held connections are expected to be silent. */
  async stop(heldPatienceMs = this.#patienceMs): Promise<TrafficReport> {
    await sleep(RUN_UP_MS);
    const results = await Promise.all(
      this.#running.map(async ({ stream, stress }) => ({ stream, ...(await stress.stop()) })),
    );
    const broken = await this.#broken(heldPatienceMs);
    await Promise.all(this.#held.map(({ hold }) => hold.close()));
    const failed = results.flatMap(({ stream, attempts, failures }) => {
      const reasons = [...new Set(failures.map(({ reason, atMs }) => `${reason} at ${Math.round(atMs)} ms`))];
      if (attempts === 0) return [`${stream.title}: no connection`];
      return failures.length === 0 ? [] : [`${stream.title}: ${failures.length} of ${attempts}: ${reasons.join(', ')}`];
    });
    return { connections: results.reduce((sum, { ok }) => sum + ok, 0), lost: [...failed, ...broken] };
  }
}
