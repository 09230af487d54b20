/**
 * Inside the machine: sluice changes from IPVS to nftables and back, on a node that serves traffic and has rules of others.
 * Judges nothing; what it saw goes to a file.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { cleanup } from '../../src/app/cleanup.ts';
import { runOnce } from '../../src/app/run.ts';
import { backendNamed } from '../../src/backend/registry.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import type { MachineRules } from '../support/program-foreign.ts';
import { machineRules } from '../support/program-foreign.ts';
import { forgetUdpSoon, iptables, nft, run, writeKubeletRules } from '../support/program-machine.ts';
import { configFor, MemoryLog } from '../support/program-node.ts';
import { manifestOf } from '../support/program-objects.ts';
import type { TrafficReport } from '../support/program-traffic.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';

/** Connections with pauses, which leave time for sluice to an emulated processor that waits for its turn itself. */
const LIMITS = { durationMs: 600_000, patienceMs: 20_000, pauseMs: 250 };

/** For connections that IPVS translated, once it does so no more. */
const SILENCE_MS = 2000;

/** Enough for both endpoints to answer, by chance too: that one does not happens once in 2¹⁹ times. */
const CONNECTIONS = 20;

/**
 * What the rules will want, in one go: loaded one by one, as the kernel asks for them, they keep a tool waiting for longer
 * than sluice gives it. Those that a kernel does not have are none that it needs.
 */
const MODULES = `
  nf_tables nft_chain_nat nft_compat nft_ct nft_fib_inet nft_hash nft_log nft_masq nft_nat nft_numgen
  nft_reject_inet nfnetlink_queue nf_conntrack_netlink iptable_nat ip6table_nat xt_addrtype xt_comment
  xt_conntrack xt_MASQUERADE xt_mark xt_set xt_ipvs xt_physdev ip_set_hash_ip ip_set_hash_ipport
  ip_set_hash_ipportip ip_set_hash_ipportnet ip_set_hash_net ip_set_bitmap_port ip_vs ip_vs_rr ip_vs_wlc dummy
  veth bridge
`
  .trim()
  .split(/\s+/);

const WEB = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };
const STICKY = { name: 'sticky', id: 11, pods: ['remote-a'], spec: { sessionAffinity: 'ClientIP' } };

export type Mode = 'ipvs' | 'nft';

export interface MachineState extends MachineRules {
  /** Virtual servers and destinations of IPVS. */
  readonly servers: readonly string[];
  /** Of all interfaces. */
  readonly addresses: readonly string[];
}

/** What a run of the program led to. */
export interface Stage {
  readonly backend: Mode;
  /** Of the clients that connected all the while; at first there are none. */
  readonly traffic: TrafficReport | undefined;
  /** Who answers new connections from outside. */
  readonly answers: Readonly<Record<string, readonly string[]>>;
  readonly state: MachineState;
  readonly tookMs: number;
}

export interface Observations {
  /** With what others have, before the program ran. */
  readonly before: MachineState;
  readonly stages: readonly Stage[];
  readonly afterCleanup: MachineState;
}

async function machineState(): Promise<MachineState> {
  const [rules, servers, addresses] = await Promise.all([
    machineRules(),
    run('ipvsadm', ['--save', '--numeric']),
    run('ip', ['-oneline', 'address']),
  ]);
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
  return { ...rules, servers: lines(servers).toSorted(), addresses: lines(addresses) };
}

async function writeForeign(): Promise<void> {
  await writeKubeletRules('nf_tables');
  await iptables('nf_tables', 'IPv4', '*nat\n-A POSTROUTING -s 10.88.0.0/16 -j MASQUERADE\nCOMMIT\n');
  await nft('table ip others {\n chain input {\n type filter hook input priority 5\n tcp dport 1 drop\n }\n}\n');
  await run('ipset', ['restore'], 'create cni-pods hash:net family inet\nadd cni-pods 10.244.0.0/16\n');
  const link = ['link add others0 type dummy', 'addr add 203.0.113.1/32 dev others0', 'link set others0 up'];
  await run('ip', ['-batch', '-'], `${link.join('\n')}\n`);
  await run('ipvsadm', ['--restore'], '-A -t 203.0.113.1:80 -s wlc\n-a -t 203.0.113.1:80 -r 203.0.113.2:80 -m -w 5\n');
}

/** `sluice run` with a cluster that stays as it is. */
async function sluice(backend: Mode): Promise<void> {
  const config = configFor({ title: backend, backend: backendNamed(backend) });
  await runOnce({ config, log: new MemoryLog().log, stdin: Readable.from([manifestOf([WEB, STICKY])]) });
}

/** Every way that a packet takes through the node: from a pod, from the node itself, and from outside. */
const STREAMS = [
  ...streamsTo(WEB, ['ClusterIP']).filter(({ from }) => from !== 'outside'),
  ...streamsTo(WEB, ['NodePort']).filter(({ from }) => from === 'outside'),
];

async function stage(lab: Lab, backend: Mode, isFirst: boolean): Promise<Stage> {
  const startedMs = performance.now();
  const running = isFirst ? undefined : await Traffic.start(lab, STREAMS, LIMITS);
  await sluice(backend);
  const traffic = await running?.stop(backend === 'nft' ? SILENCE_MS : undefined);
  const answers: Record<string, readonly string[]> = {};
  for (const stream of STREAMS.filter(({ from }) => from === 'outside')) {
    answers[stream.title] = [...(await serversOf(lab, stream, CONNECTIONS, LIMITS))].toSorted();
  }
  const state = await machineState();
  return { backend, traffic, answers, state, tookMs: Math.round(performance.now() - startedMs) };
}

async function observe(folder: string): Promise<Observations> {
  await systemRunner.run('modprobe', ['--dirname', '/run/modules', '--quiet', '--all', ...MODULES]);
  const lab = await Lab.create({
    pods: ['pod-a', 'pod-b'],
    remotePods: ['remote-a'],
    agentCommand: [process.execPath, join(folder, 'agent.mjs')],
  });
  await forgetUdpSoon();
  await startServers(lab);
  await writeForeign();
  const before = await machineState();
  const stages: Stage[] = [];
  for (const backend of ['nft', 'ipvs', 'nft'] as const) stages.push(await stage(lab, backend, stages.length === 0));
  await cleanup({ backend: undefined });
  const afterCleanup = await machineState();
  await lab.close();
  return { before, stages, afterCleanup };
}

const folder = import.meta.dirname;
writeFileSync(join(folder, 'observations.json'), JSON.stringify(await observe(folder)));
// What serves the lab is of no more use.
process.exit(0);
