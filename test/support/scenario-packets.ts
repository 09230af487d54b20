import { writeFile } from 'node:fs/promises';
import type { CommandRunner } from '../../src/kernel/command.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { ProbeResult, Transport } from '../../src/lab/protocol.ts';
import type { Check } from './scenario.ts';
import { nodeAddressTowards, serverAddress, serverName } from './scenario-addresses.ts';
import type { Row } from './scenario-rows.ts';
import { describePacket, describeRow } from './scenario-rows.ts';
import { TOPOLOGY } from './scenario-settings.ts';
import type { Witness } from './witness.ts';

/** Every pod and both nodes listen on all of these. */
const SERVERS = [8080, 8443, 5300].flatMap((port) =>
  (['tcp', 'udp'] as const).map((protocol): ServerKind => ({ protocol, port })),
);

/** A process each, so these start when a scenario wants them. */
const SCTP_SERVERS: readonly ServerKind[] = [{ protocol: 'sctp', port: 8080 }];

interface ServerKind {
  readonly protocol: Transport;
  readonly port: number;
}

/** An answer is awaited for long, since nothing is lost in the lab: this only runs out when something is wrong. */
const ANSWER_TIMEOUT_MS = 6000;
/**
 * How long silence has to be to count as such. A TCP client of IPv6 hears of a refusal after 1.02 s only, with its second
 * SYN; that nothing is refused where it should be dropped is what UDP rows tell.
 */
const SILENCE_TIMEOUT_MS = 400;

/** Per listed server. That one of n is missed by chance happens once in n ⋅ e⁻⁴⁰ rows. */
const MAX_PACKETS_PER_SERVER = 40;
const MIN_PACKETS = 3;
const STICKY_PACKETS = 3;

/** Above NodePorts and whatever the kernel chooses itself in the lab; none twice before conntrack has forgotten it. */
const SOURCE_PORTS = { first: 33_000, last: 60_999 };

/** For NodePorts on 127.0.0.1, which is how kube-proxy's iptables mode leaves a node by default. */
const ROUTE_LOCALNET = '/proc/sys/net/ipv4/conf/all/route_localnet';

/** Which server a client had, by client and service port. */
export type AffinityMemory = Map<string, string>;

/** A check with the service port that the plan sees at its destination: what affinity goes by. */
export interface SentCheck extends Check {
  readonly serviceKey: string;
}

/** What became of a packet that should not have. */
interface Fault {
  /** As `describePacket` calls it. */
  readonly packet: string;
  /** For people: the row, the packet and what happened. */
  readonly text: string;
}

/** Sends the packets of scenarios through the kernel. */
export class PacketLab {
  readonly #lab: Lab;
  readonly #runner: CommandRunner;
  readonly #witness: Witness;
  #lastPort = SOURCE_PORTS.last;
  #sctpServers: Promise<void> | undefined;

  private constructor(parts: { readonly lab: Lab; readonly runner: CommandRunner; readonly witness: Witness }) {
    this.#lab = parts.lab;
    this.#runner = parts.runner;
    this.#witness = parts.witness;
  }

  static async open(
    startWitness: (runner: CommandRunner) => Promise<Witness>,
    runner: CommandRunner = systemRunner,
  ): Promise<PacketLab> {
    const lab = await Lab.create();
    const [witness] = await Promise.all([startWitness(runner), listen(lab, SERVERS)]);
    await writeFile(ROUTE_LOCALNET, '1');
    return new PacketLab({ lab, runner, witness });
  }

  async close(): Promise<void> {
    await this.#lab.close();
  }

  /** Forgets all connections. */
  async flush(): Promise<void> {
    const [{ exitCode, stderr }] = await Promise.all([this.#runner.run('conntrack', ['-F']), this.#witness.flush()]);
    if (exitCode !== 0) throw new Error(`conntrack -F: ${stderr}`);
  }

  /** Sends what the checks say, side by side. @returns what went wrong. */
  async send(checks: readonly SentCheck[], memory: AffinityMemory): Promise<readonly Fault[]> {
    if (checks.some(({ packet }) => packet.protocol === 'sctp')) {
      this.#sctpServers ??= listen(this.#lab, SCTP_SERVERS);
      await this.#sctpServers;
    }
    const usable = checks.filter((check) => this.#canTell(check));
    const clients = Map.groupBy(usable, (check) => (check.row.affinity === undefined ? check : clientOf(check)));
    const reports = await Promise.all(
      [...clients.values()].map(async (sequence) => {
        const done: Report[] = [];
        for (const check of sequence) done.push(await this.#sendOne(check, memory));
        return done;
      }),
    );
    const passed = await this.#witness.passed();
    const faults = reports.flat().flatMap((report) => {
      const fault = report.fault ?? untold(report, passed);
      if (fault === undefined) return [];
      const { row, packet } = report.check;
      return [{ packet: describePacket(row, packet.family), text: `${describeRow(row, packet.family)} ${fault}` }];
    });
    const kept = reports.flat().filter(({ forgot }) => forgot !== undefined);
    if (kept.length > 0 && !kept.some(({ forgot }) => forgot)) {
      faults.push({ packet: 'affinity', text: 'no client forgot its server' });
    }
    return faults;
  }

  /** Without br_netfilter, an answer between two pods of the bridge goes past the node, and the client does not know it. */
  #canTell({ row }: Check): boolean {
    if (this.#lab.bridgeNetfilter || row.result.kind !== 'servers' || row.masquerade === 'yes') return true;
    const isLocal = (name: string): boolean =>
      TOPOLOGY.pods.some((pod) => pod.name === name.split(':')[0] && pod.nodeName === TOPOLOGY.node.name);
    return !isLocal(row.from) || !row.result.servers.some(isLocal);
  }

  async #sendOne(check: SentCheck, memory: AffinityMemory): Promise<Report> {
    const { row } = check;
    if (row.result.kind !== 'servers') return this.#sendUnanswered(check);
    if (row.affinity === undefined) return { check, ...(await this.#sendToAll(check, row.result.servers)) };
    return this.#sendRemembered(check, { memory, servers: row.result.servers });
  }

  /** Until every server has answered, and at least so often that one which should not has a good chance to be found out. */
  async #sendToAll(check: Check, servers: readonly string[]): Promise<{ fault?: string }> {
    const missing = new Set(servers);
    let count = 0;
    while (
      count < MIN_PACKETS + servers.length ||
      (missing.size > 0 && count < servers.length * MAX_PACKETS_PER_SERVER)
    ) {
      const probes = Array.from({ length: servers.length + 1 }, () => this.#probe(check, ANSWER_TIMEOUT_MS));
      for (const { result, sourcePort } of await Promise.all(probes)) {
        const fault = faultOf(check, result, { servers, sourcePort });
        if (fault !== undefined) return { fault };
        if (result.outcome === 'reply') missing.delete(result.server);
        count += 1;
      }
    }
    return missing.size === 0 ? {} : { fault: `${[...missing].join(' and ')} did not answer any of ${count} packets` };
  }

  async #sendRemembered(
    check: SentCheck,
    { memory, servers }: { readonly memory: AffinityMemory; readonly servers: readonly string[] },
  ): Promise<Report> {
    const key = clientOf(check);
    const before = memory.get(key);
    const packets = check.row.affinity === 'sticky' ? STICKY_PACKETS : 1;
    for (let i = 0; i < packets; i += 1) {
      const { result, sourcePort } = await this.#probe(check, ANSWER_TIMEOUT_MS);
      const fault = faultOf(check, result, { servers, sourcePort });
      if (fault !== undefined) return { check, fault };
      if (result.outcome !== 'reply') continue;
      const known = memory.get(key);
      const bound = known !== undefined && servers.includes(known) && (check.row.affinity === 'sticky' || i > 0);
      if (bound && result.server !== known) return { check, fault: `went to ${result.server}, not to ${known} again` };
      memory.set(key, result.server);
    }
    return check.row.affinity === 'sticky' ? { check } : { check, forgot: memory.get(key) !== before };
  }

  async #sendUnanswered(check: Check): Promise<Report> {
    const { row, packet } = check;
    const timeoutMs = row.result.kind === 'refused' ? ANSWER_TIMEOUT_MS : SILENCE_TIMEOUT_MS;
    const { result, sourcePort } = await this.#probe(check, timeoutMs);
    if (row.result.kind === 'pass' && result.outcome === 'reply') {
      // Somebody listens there: then the packet is answered as if there were no Services.
      const direct = { ...check, row: { ...row, masquerade: 'no' as const } };
      const fault = faultOf(direct, result, { servers: [serverName(packet.destination, packet.port)], sourcePort });
      return { check, ...(fault === undefined ? {} : { fault }) };
    }
    const fault = faultOf(check, result, { servers: [], sourcePort });
    return { check, sourcePort, ...(fault === undefined ? {} : { fault }) };
  }

  async #probe({ row, packet }: Check, timeoutMs: number): Promise<{ result: ProbeResult; sourcePort: number }> {
    const { destination: address, port, protocol } = packet;
    this.#lastPort = this.#lastPort >= SOURCE_PORTS.last ? SOURCE_PORTS.first : this.#lastPort + 1;
    const sourcePort = this.#lastPort;
    const result = await this.#lab.at(row.from).probe({ protocol, address, port, sourcePort, timeoutMs });
    return { result, sourcePort };
  }
}

async function listen(lab: Lab, servers: readonly ServerKind[]): Promise<void> {
  const places = ['node', 'remote', ...TOPOLOGY.pods.map(({ name }) => name)];
  const listening = places.flatMap((place) =>
    servers.map(({ protocol, port }) => {
      const name = serverName(serverAddress(place, 'IPv4').address, port);
      return lab.at(place).listen({ protocol, port, name });
    }),
  );
  await Promise.all(listening);
}

interface Report {
  readonly check: Check;
  readonly fault?: string;
  /** Of a packet that should not be answered. */
  readonly sourcePort?: number;
  readonly forgot?: boolean;
}

function clientOf({ packet, serviceKey }: SentCheck): string {
  return `${packet.source} ${serviceKey}`;
}

/** A packet that nobody answered may have gone on, or not: the witness knows. */
function untold({ check, sourcePort }: Report, passed: ReadonlySet<number>): string | undefined {
  if (sourcePort === undefined) return undefined;
  const wentOn = passed.has(sourcePort);
  if (wentOn === (check.row.result.kind === 'pass')) return undefined;
  return wentOn ? 'the packet passed the node untouched' : 'the packet did not pass the node';
}

function faultOf(
  { row, packet }: Check,
  result: ProbeResult,
  { servers, sourcePort }: { readonly servers: readonly string[]; readonly sourcePort: number },
): string | undefined {
  if (!fits(row, result)) return `got ${describeResult(result)}`;
  if (result.outcome !== 'reply') return undefined;
  if (!servers.includes(result.server)) return `was answered by ${result.server}`;
  if (row.masquerade === '-') return undefined;
  const hidden = row.masquerade === 'yes' || (row.masquerade === 'hairpin' && result.server === row.from);
  const { address } = serverAddress(result.server, packet.family);
  const expected = hidden ? nodeAddressTowards(address) : packet.source;
  const own = result.clientPort === sourcePort;
  if (result.client === expected && (hidden || own)) return undefined;
  return `${result.server} saw ${result.client} port ${result.clientPort} instead of ${expected}${hidden ? '' : ` port ${sourcePort}`}`;
}

function fits({ result: { kind }, from, protocol }: Row, result: ProbeResult): boolean {
  // The kernel tells a sender on the same machine that a datagram was not let out, whether it is dropped or rejected.
  const heldBack =
    from === 'node' && protocol === 'udp' && result.outcome === 'unreachable' && result.errno === 'EPERM';
  switch (kind) {
    case 'servers':
      return result.outcome === 'reply';
    case 'refused':
      return result.outcome === 'refused' || heldBack;
    case 'drop':
      return result.outcome === 'timeout' || heldBack;
    case 'pass':
      return result.outcome !== 'reset' && result.outcome !== 'unreachable';
  }
}

function describeResult(result: ProbeResult): string {
  switch (result.outcome) {
    case 'reply':
      return `an answer of ${result.server}`;
    case 'unreachable':
      return `${result.errno} after ${result.ms} ms`;
    default:
      return `${result.outcome} after ${result.ms} ms`;
  }
}
