import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { runOnce } from '../../src/app/run.ts';
import type { CommandRunner } from '../../src/kernel/command.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { Lab } from '../../src/lab/lab.ts';
import { KUBE_PROXY_SERVICES, writeKubeProxyTables } from '../support/program-kube-proxy.ts';
import { emptyMachine, forgetUdpSoon, nftTables, run } from '../support/program-machine.ts';
import { configFor, MemoryLog } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import { NODE_OBJECT, objectsOf } from '../support/program-objects.ts';
import { serversOf, startServers, streamsTo, Traffic } from '../support/program-traffic.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';
import { RefusingNft } from '../support/refusing-nft.ts';

const { WEB, EDGE } = KUBE_PROXY_SERVICES;
/** Nobody but us serves these. */
const OLDEST: ProgramService = { name: 'oldest', id: 40, pods: ['pod-d', 'remote-a'] };
const YOUNGEST: ProgramService = { name: 'youngest', id: 41, pods: ['pod-d', 'remote-a'] };

/** The first slice, and another of more than as many. */
const FILLERS = 1100;
const CULPRIT = 700;
const REFUSED_ENDPOINT = '10.66.0.1';

let lab: Lab;

beforeAll(async () => {
  lab = await Lab.create();
  await forgetUdpSoon();
  await startServers(lab);
});

afterEach(() => emptyMachine());

afterAll(() => lab.close());

/** A Service with one endpoint that nobody asks for anything. */
function filler(index: number, endpoint = `10.250.${index >> 8}.${index & 255}`): readonly object[] {
  const name = `filler-${index}`;
  const ports = [{ name: 'http', protocol: 'TCP', port: 80 }];
  const clusterIP = `10.97.${index >> 8}.${index & 255}`;
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: 'demo', name, creationTimestamp: '2026-02-01T00:00:00Z' },
      spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ports },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace: 'demo', name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports,
      endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
    },
  ];
}

/** With fillers between the two. */
function manifest(old: readonly ProgramService[], young: readonly ProgramService[]): string {
  const created = (services: readonly ProgramService[], creationTimestamp: string): readonly object[] =>
    services.flatMap(objectsOf).map((object) => ({
      ...object,
      metadata: { ...('metadata' in object ? (object.metadata as object) : {}), creationTimestamp },
    }));
  const fillers = Array.from({ length: FILLERS }, (_, i) => filler(i, i === CULPRIT ? REFUSED_ENDPOINT : undefined));
  const items = [
    NODE_OBJECT,
    ...created(young, '2026-03-01T00:00:00Z'),
    ...fillers.flat(),
    ...created(old, '2026-01-01T00:00:00Z'),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** Tells of every large transaction once it is in the kernel, and lets the load wait meanwhile. */
function attentiveRunner(onWritten: () => Promise<void>): CommandRunner {
  return {
    async run(file, args, options) {
      const result = await systemRunner.run(file, args, options);
      if (args[0] === '-f' && result.exitCode === 0) await onWritten();
      return result;
    },
  };
}

test('many Services, one of them refused, beside another proxy: the first are served early, and no packet is lost', async () => {
  const nftVariant = PROGRAM_VARIANTS.find(({ backend }) => backend.name === 'nft');
  if (nftVariant === undefined) throw new Error('there is no nft');
  await writeKubeProxyTables();
  const streams = [...streamsTo(WEB), ...streamsTo(EDGE, ['NodePort'])];
  const traffic = await Traffic.start(
    lab,
    streams.filter(({ from }) => from === 'outside'),
  );
  const [oldest] = streamsTo(OLDEST);
  const [youngest] = streamsTo(YOUNGEST);
  if (oldest === undefined || youngest === undefined) throw new Error('there are no streams');
  const served: boolean[] = [];
  const tables: string[] = [];
  const onWritten = async (): Promise<void> => {
    const listing = await run('nft', ['list', 'map', 'ip', 'sluice', 'service-ips']);
    if (served.length === 0) expect(await serversOf(lab, oldest)).toEqual(new Set(OLDEST.pods));
    served.push(listing.includes('demo/youngest:tcp cluster IP'));
    tables.push(...(await nftTables()).filter((table) => table === 'ip kube-proxy'));
  };
  const complaints = new MemoryLog();
  {
    using _ = await RefusingNft.create(REFUSED_ENDPOINT);
    // Young Services last; those that the other proxy serves are among them.
    const stdin = Readable.from([manifest([OLDEST], [YOUNGEST, WEB, EDGE])]);
    await runOnce({ config: configFor(nftVariant), log: complaints.log, stdin, runner: attentiveRunner(onWritten) });
  }
  expect((await traffic.stop()).lost).toEqual([]);
  expect(complaints.lines.filter((line) => line.includes('refused'))).toEqual([
    expect.stringContaining(`the kernel refused the rules of demo/filler-${CULPRIT}:http/tcp`),
  ]);
  const early = served.indexOf(true);
  expect(early).toBeGreaterThan(0);
  expect(tables.length).toBeGreaterThanOrEqual(early);
  expect(await nftTables()).toEqual(['ip sluice', 'ip6 sluice']);
  expect(await serversOf(lab, youngest)).toEqual(new Set(YOUNGEST.pods));
  const listing = await run('nft', ['list', 'map', 'ip', 'sluice', 'service-ips']);
  const missing = Array.from({ length: FILLERS }, (_, i) => i).filter(
    (i) => !listing.includes(`demo/filler-${i}:http cluster IP`),
  );
  expect(missing).toEqual([CULPRIT]);
});
