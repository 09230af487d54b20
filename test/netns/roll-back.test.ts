import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanup } from '../../src/app/cleanup.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { Lab } from '../../src/lab/lab.ts';
import { KUBE_PROXY, KubeProxyProcess } from '../support/kube-proxy-process.ts';
import type { KubeProxyMode } from '../support/kube-proxy-process.ts';
import { KUBE_PROXY_CLUSTER, KUBE_PROXY_SERVICES } from '../support/program-kube-proxy.ts';
import { emptyMachine, forgetUdpSoon, nftTables, savedAll } from '../support/program-machine.ts';
import { ProgramNode } from '../support/program-node.ts';
import { objectsOf } from '../support/program-objects.ts';
import type { Stream } from '../support/program-traffic.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const { WEB, EDGE } = KUBE_PROXY_SERVICES;

/** Chains of sluice's filter table that nothing leads to any more, and what is in them. */
const IS_ADRIFT = / filter (?::|-A )KUBE-(?:EXT|FW|SVC)-(?:HC|NP|IP)-/;

/** What kubelet has on every node, too. */
const LOCALNET_GUARD = [
  'nf_tables IPv4 filter :KUBE-PROXY-LOCALNET -',
  'nf_tables IPv4 filter -A INPUT -j KUBE-PROXY-LOCALNET',
  'nf_tables IPv4 filter -A OUTPUT -j KUBE-PROXY-LOCALNET',
  'nf_tables IPv4 filter -A KUBE-PROXY-LOCALNET ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
];

let lab: Lab;
let streams: readonly Stream[];
let proxy: KubeProxyProcess | undefined;

/** The ways of deploy/README.md, "Roll-back". */
describe.skipIf(KUBE_PROXY === '')('back to a real kube-proxy', () => {
  beforeAll(async () => {
    lab = await Lab.create();
    await forgetUdpSoon();
    await startServers(lab);
    const all = [...streamsTo(WEB), ...streamsTo(EDGE, ['NodePort', 'LoadBalancer'])];
    // Where bridged packets do not meet netfilter, nobody can send a pod to another of the same bridge.
    streams = lab.bridgeNetfilter ? all : all.filter(({ from }) => from !== 'pod-a');
  });

  afterEach(async () => {
    await stopKubeProxy();
    await emptyMachine();
  });

  afterAll(() => lab.close());

  test('in mode iptables it takes the chains over: not a connection is lost', async () => {
    const usual = await usualChains();
    await program('iptables (nf_tables)');
    const traffic = await Traffic.start(lab, streams);
    await startKubeProxy('iptables');
    expect((await traffic.stop()).lost).toEqual([]);
    const left = (await chains()).filter((line) => !usual.includes(line));
    expect(left.filter((line) => !IS_ADRIFT.test(line))).toEqual(LOCALNET_GUARD);
    await expectServed();
  });

  test('in mode nftables, after sluice cleanup: connections stay, and nothing of ours', async () => {
    await program('nft');
    const traffic = await Traffic.start(lab, streams);
    await cleanup({ backend: undefined });
    await startKubeProxy('nftables');
    const { lost } = await traffic.stop();
    expect(lost.filter((line) => line.includes('held connection'))).toEqual([]);
    expect(await nftTables()).toEqual(['ip kube-proxy', 'ip6 kube-proxy']);
    await expectServed();
  });
});

/** What sluice leaves behind that programmed the Services. */
async function program(title: string): Promise<void> {
  const variant = PROGRAM_VARIANTS.find((one) => one.title === title);
  if (variant === undefined) throw new Error(`there is no ${title}`);
  const node = new ProgramNode(variant, Object.values(KUBE_PROXY_SERVICES));
  await node.sync();
  await node.stop();
}

async function startKubeProxy(mode: KubeProxyMode): Promise<void> {
  proxy = await KubeProxyProcess.start({ mode, ...KUBE_PROXY_CLUSTER });
}

async function stopKubeProxy(): Promise<void> {
  await proxy?.stop();
  proxy = undefined;
}

/** What kube-proxy has in mode iptables where there was nothing before. */
async function usualChains(): Promise<readonly string[]> {
  await startKubeProxy('iptables');
  const usual = await chains();
  await stopKubeProxy();
  await emptyMachine();
  return usual;
}

/** Chains and rules: `nf_tables IPv4 nat :KUBE-SERVICES -`. */
async function chains(): Promise<readonly string[]> {
  return Object.entries(await savedAll()).flatMap(([key, lines]) => lines.map((line) => `${key} ${line}`));
}

/** Every endpoint answers, and an endpoint that goes is asked no more: nobody else's rules are in force. */
async function expectServed(): Promise<void> {
  for (const stream of streamsTo(WEB).filter(({ from }) => from === 'outside')) {
    expect(await serversOf(lab, stream, 60)).toEqual(new Set(WEB.pods));
  }
  for (const object of objectsOf({ ...WEB, pods: ['pod-c'] })) await proxy?.objects.put(object as UntypedObject);
  await proxy?.synced();
  for (const stream of streamsTo(WEB).filter(({ from }) => from === 'outside')) {
    expect(await serversOf(lab, stream)).toEqual(new Set(['pod-c']));
  }
}
