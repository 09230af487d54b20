import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UntypedObject } from '../../lab/api/api-upstream.ts';
import { ApiClient } from '../compare/api-client.ts';
import type { ClusterSize } from '../compare/api-orders.ts';
import type { TreeUsage } from '../compare/process-tree.ts';
import { BASE_OBJECTS } from '../compare/workload.ts';
import type { Progress } from '../progress.ts';
import { seededRandom } from '../random.ts';
import { percentile } from '../statistics.ts';
import type { ContenderSpec, Surroundings } from './contender.ts';
import { DnsContender } from './contender.ts';
import { dnsperf } from './dnsperf.ts';
import { anyAnswer } from './wire.ts';

export interface DnsBenchOptions {
  readonly contenders: readonly ContenderSpec[];
  readonly services: number;
  readonly durationS: number;
  /** How long {@link CHURN_RATE} endpoints a second change. */
  readonly churnS: number;
  readonly seed: number;
  readonly progress: Progress;
}

export type Memory = Pick<TreeUsage, 'residentBytes' | 'privateBytes'>;

export interface DnsOutcome {
  readonly contender: string;
  /** Names of Services, as many as it manages. */
  readonly cluster: { readonly perSecond: number; readonly cpuUs: number; readonly lost: number };
  /** Names of others, from its cache. */
  readonly cached: { readonly perSecond: number; readonly cpuUs: number; readonly lost: number };
  /** Of names of Services, at {@link RATE}. */
  readonly p99Ms: number;
  /** When all Services were loaded and nobody had asked for anything. */
  readonly loaded: Memory;
  /** After all queries and the churn. */
  readonly churned: Memory;
  /** From an object that was stored to the answer, median. */
  readonly changeMs: number;
}

/** Endpoints that change per second while there is churn. */
export const CHURN_RATE = 100;

/** Queries per second at which latency is looked at. */
export const RATE = 10_000;

const QUESTIONS = 10_000;
const EXTERNAL_NAMES = 100;
const CHANGES = 30;

/** No further change after this long: a server that caches names of the cluster sees none for half a minute. */
const CHANGES_MS = 60_000;

const SETTLE_MS = 3000;
const FIRST_PORT = 5300;

/** Asks DNS servers that follow the API server of a synthetic cluster, one after the other, all of it on loopback. */
export async function benchDns(options: DnsBenchOptions): Promise<readonly DnsOutcome[]> {
  const { contenders, services, progress } = options;
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-dns-'));
  const upstream = await startUpstream();
  const api = await ApiClient.start('127.0.0.1', undefined);
  try {
    progress.show(0, contenders.length, `loading ${services} Services`);
    await api.tell({ do: 'put', objects: BASE_OBJECTS });
    await api.tell({ do: 'load', ...sizeOf(options) });
    const outcomes: DnsOutcome[] = [];
    for (const [i, contender] of contenders.entries()) {
      const port = FIRST_PORT + i;
      const around = {
        api: api.url,
        port,
        upstream: `127.0.0.1:${upstream.address().port}`,
        corefile: join(folder, `Corefile-${port}`),
        'corefile:uncached': join(folder, `Corefile-${port}-uncached`),
      };
      await writeFile(around.corefile, corefileOf(around, 'cache 30'));
      await writeFile(around['corefile:uncached'], corefileOf(around, UNCACHED));
      progress.show(i, contenders.length, contender.name);
      outcomes.push(await measure(contender, { options, api, around, folder }));
    }
    return outcomes;
  } finally {
    await api.stop();
    upstream.close();
    await rm(folder, { recursive: true });
  }
}

async function measure(
  spec: ContenderSpec,
  at: { options: DnsBenchOptions; api: ApiClient; around: Surroundings; folder: string },
): Promise<DnsOutcome> {
  const { options, api, around, folder } = at;
  const { services, durationS, churnS, seed } = options;
  const { port } = around;
  const server = await DnsContender.start(spec, around);
  try {
    const probe = (change: number): UntypedObject => probeService(port, change);
    const name = `probe-${port}.bench.svc.cluster.local`;
    await api.tell({ do: 'put', objects: [probe(0)] });
    await server.until(name, addressOf(0));
    await sleep(SETTLE_MS);
    const loaded = memoryOf(server);
    const random = seededRandom(seed);
    const names = Array.from({ length: QUESTIONS }, () => `svc-${random.below(services)}.load.svc.cluster.local A`);
    const externals = Array.from({ length: EXTERNAL_NAMES }, (_, i) => `host-${i}.example.com A`);
    const clusterFile = await listFile(folder, 'cluster', names);
    const externalFile = await listFile(folder, 'external', externals);
    const load = async (file: string): Promise<DnsOutcome['cluster']> => {
      await dnsperf({ port, file, durationS: 1 });
      const before = server.usage.cpuMs;
      const { perSecond, completed, lost } = await dnsperf({ port, file, durationS });
      return { perSecond, lost, cpuUs: ((server.usage.cpuMs - before) * 1000) / completed };
    };
    const cluster = await load(clusterFile);
    const cached = await load(externalFile);
    const { p99Ms = Number.NaN } = await dnsperf({ port, file: clusterFile, durationS, perSecond: RATE });
    const changesMs: number[] = [];
    const endMs = performance.now() + CHANGES_MS;
    for (let change = 1; change <= CHANGES && performance.now() < endMs; change++) {
      const seen = server.until(name, addressOf(change));
      await sleep(20);
      const startMs = performance.now();
      await Promise.all([api.tell({ do: 'put', objects: [probe(change)] }), seen]);
      changesMs.push((await seen) - startMs);
    }
    await api.tell({ do: 'churn', ...sizeOf(options), perSecond: CHURN_RATE, durationMs: churnS * 1000 });
    await api.tell({ do: 'await-churn' });
    await sleep(SETTLE_MS);
    const churned = memoryOf(server);
    const changeMs = percentile(changesMs, 0.5);
    return { contender: spec.name, cluster, cached, p99Ms, loaded, churned, changeMs };
  } finally {
    await server.stop();
  }
}

function sizeOf({ services, seed }: DnsBenchOptions): ClusterSize {
  return { services, endpointsPerService: 1, seed };
}

function memoryOf({ usage: { residentBytes, privateBytes } }: DnsContender): Memory {
  return { residentBytes, privateBytes };
}

async function listFile(folder: string, name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

function addressOf(change: number): string {
  return `10.111.1.${change + 1}`;
}

function probeService(port: number, change: number): UntypedObject {
  const clusterIP = addressOf(change);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'bench', name: `probe-${port}` },
    spec: { type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ports: [{ protocol: 'TCP', port: 80 }] },
  };
}

/** Answers every question at once, so that only the cache is measured. */
async function startUpstream(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => socket.send(anyAnswer(query), port, address));
  const listening = once(socket, 'listening');
  socket.bind(0, '127.0.0.1');
  await listening;
  return socket;
}

/** For the plugin `cache`: as it is, but for the zone of the cluster. */
const UNCACHED = `cache 30 {
    disable success cluster.local
    disable denial cluster.local
  }`;

/** As kubeadm has it, without what would only cost time. */
function corefileOf({ api, port, upstream }: Surroundings, cache: string): string {
  return `.:${port} {
  bind 127.0.0.1
  kubernetes cluster.local {
    endpoint ${api}
    pods insecure
    ttl 30
  }
  forward . ${upstream}
  ${cache}
}
`;
}
