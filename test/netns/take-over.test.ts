import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanup } from '../../src/app/cleanup.ts';
import { runOnce } from '../../src/app/run.ts';
import type { Variant } from '../../src/backend/xtables/variant.ts';
import { VARIANTS } from '../../src/backend/xtables/variant.ts';
import { Lab } from '../../src/lab/lab.ts';
import { KubeProxyProcess, REAL_KUBE_PROXY_MODES } from '../support/kube-proxy-process.ts';
import {
  KUBE_PROXY_CLUSTER,
  KUBE_PROXY_SERVICES,
  writeKubeProxyChains,
  writeKubeProxyTables,
} from '../support/program-kube-proxy.ts';
import {
  emptyMachine,
  forgetUdpSoon,
  nftTables,
  savedAll,
  SAVES,
  writeKubeletRules,
} from '../support/program-machine.ts';
import { MemoryLog, configFor, ProgramNode } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import { clusterIp, manifestOf } from '../support/program-objects.ts';
import type { Stream } from '../support/program-traffic.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import type { ProgramVariant } from '../support/program-variants.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const { WEB, STICKY, EDGE, EMPTY } = KUBE_PROXY_SERVICES;
const SERVICES: readonly ProgramService[] = [WEB, STICKY, EDGE, EMPTY];

/** Somebody who served the same Services before. */
interface Predecessor {
  readonly title: string;
  readonly iptables?: Variant;
  readonly write: () => Promise<void>;
}

const KUBE_PROXIES: readonly Predecessor[] = [
  { title: 'kube-proxy (nftables)', write: writeKubeProxyTables },
  ...VARIANTS.map((iptables) => ({
    title: `kube-proxy (iptables, ${iptables})`,
    iptables,
    write: () => writeKubeProxyChains(iptables),
  })),
];

/** Where there is one: rules of its own making, with objects that nobody here thought of. */
const REAL_KUBE_PROXIES: readonly Predecessor[] = REAL_KUBE_PROXY_MODES.map((mode) => ({
  title: `a real kube-proxy (${mode})`,
  ...(mode === 'iptables' ? { iptables: 'nf_tables' } : {}),
  write: async () => {
    const proxy = await KubeProxyProcess.start({ mode, ...KUBE_PROXY_CLUSTER });
    await proxy.stop();
  },
}));

const OURSELVES = PROGRAM_VARIANTS.map((variant) => ({
  ...variant,
  title: `sluice (${variant.title})`,
  write: async () => {
    const node = new ProgramNode(variant, SERVICES);
    await node.sync();
    await node.stop();
  },
}));

/** Nobody succeeds himself, unless the node changes its variant of iptables. */
const CASES = PROGRAM_VARIANTS.flatMap((successor) => {
  const others = OURSELVES.filter(
    ({ backend, iptables }) => backend !== successor.backend || iptables !== successor.iptables,
  );
  // The real one shares KUBE-FIREWALL with kubelet, which stays; so it has to use the same variant.
  const real = REAL_KUBE_PROXIES.filter(
    ({ iptables }) => [iptables, successor.iptables].includes(undefined) || iptables === successor.iptables,
  );
  return [...KUBE_PROXIES, ...real, ...others].map((predecessor) => ({ predecessor, successor }));
});

let lab: Lab;
let streams: readonly Stream[];

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
  const all = [
    ...streamsTo(WEB),
    ...streamsTo(STICKY, ['ClusterIP']),
    ...streamsTo(EDGE, ['NodePort', 'LoadBalancer']),
  ];
  // Where bridged packets do not meet netfilter, nobody can send a pod to another of the same bridge.
  streams = lab.bridgeNetfilter ? all : all.filter(({ from }) => from !== 'pod-a');
});

afterEach(emptyMachine);
afterAll(() => lab.close());

describe.each(CASES)('$predecessor.title, then $successor.title', ({ predecessor, successor }) => {
  test('not a connection is lost, and nothing but the new rules is left', async () => {
    await writeKubeletRules(successor.iptables ?? predecessor.iptables ?? 'nf_tables');
    const untouched = await savedAll();
    await predecessor.write();
    expect(await refusals()).toEqual(['refused', 'refused']);

    const traffic = await Traffic.start(lab, streams);
    const { lines } = await run(successor);
    expect((await traffic.stop()).lost).toEqual([]);

    expect(lines.filter((line) => !line.includes(' INFO '))).toEqual([]);
    await expectOnlyOurs(successor, untouched);
    expect(await refusals()).toEqual(['refused', 'refused']);
    const [stream] = streams;
    if (stream === undefined) throw new Error('no stream');
    expect(await serversOf(lab, stream, 60)).toEqual(new Set(WEB.pods));

    const again = await run(successor);
    expect(again.lines.filter((line) => line.includes('rules written'))).toEqual([]);

    await cleanup({ backend: undefined });
    expect(await savedAll()).toEqual(untouched);
    expect(await nftTables()).toEqual([]);
  });
});

/** `sluice run` with the Services of kube-proxy's rules. @returns what it logged. */
async function run(variant: ProgramVariant): Promise<MemoryLog> {
  const memory = new MemoryLog('info');
  await runOnce({
    config: configFor(variant),
    log: memory.log,
    stdin: Readable.from([manifestOf(SERVICES)]),
  });
  return memory;
}

/** How connections to the Service without endpoints end: from the node, from outside. */
async function refusals(): Promise<readonly string[]> {
  const packet = { protocol: 'tcp', address: clusterIp(EMPTY, 'IPv4'), port: 80, timeoutMs: 5000 } as const;
  const results = await Promise.all(['node', 'outside'].map((from) => lab.at(from).probe(packet)));
  return results.map(({ outcome }) => outcome);
}

/** The kernel has what it had before there was any proxy, and what the successor wants; each rule once. */
async function expectOnlyOurs(
  successor: ProgramVariant,
  untouched: Awaited<ReturnType<typeof savedAll>>,
): Promise<void> {
  const node = new ProgramNode(successor, SERVICES);
  expect(await node.differences()).toEqual([]);
  const isNft = successor.iptables === undefined;
  expect(await nftTables()).toEqual(isNft ? ['ip sluice', 'ip6 sluice'] : []);
  const expected = SAVES.map(({ variant, family }) => {
    const key = `${variant} ${family}`;
    const ours = successor.iptables === variant ? node.desiredChains(family) : [];
    return [key, [...(untouched[key] ?? []), ...ours].toSorted()] as const;
  });
  const now = Object.entries(await savedAll()).map(([key, lines]) => [key, lines.toSorted()] as const);
  expect(Object.fromEntries(now)).toEqual(Object.fromEntries(expected));
  await node.stop();
}
