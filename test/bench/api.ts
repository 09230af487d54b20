/**
 * What a cluster and its users see of the program, from the outside: an API server on one side, connections to Services on the
 * other. `node test/bench/api.ts [PATH]`, where PATH is of the bundle; default are the sources.
 */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile, spellMs } from '../../src/bench/statistics.ts';
import {
  enterPrivateNamespace,
  isInsidePrivateNamespace,
  probePrivateNamespace,
} from '../../src/lab/private-namespace.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { ApiProcess } from './api-process.ts';
import { answers, emptyKernel, ENDPOINTS, openEndpoints, SERVICE_PORT, TARGET_PORT, untilAnswered } from './prober.ts';
import { longestDelayMs, Program } from './program.ts';

const ROUNDS = 50;
const SMALL = { services: 1000, endpointsPerService: 4 };
const LARGE = { services: 10_000, endpointsPerService: 4 };
/** Once the rules are in place, leftovers of other proxies are looked for, and V8 looks twice what memory it can give back. */
const SETTLE_MS = 12_000;

const IDLE_MS = 20_000;
const CHURN = { perSecond: 100, durationMs: 60_000 };

/** Services of the probes, beyond those of the synthetic clusters. */
const FIRST_PROBE_ADDRESS = '10.111.0.1';

const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1' },
  spec: { podCIDRs: ['10.128.1.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] },
};

function probeService(number: number): { readonly address: string; readonly object: UntypedObject } {
  const address = `10.111.0.${number}`;
  const spec = {
    clusterIP: address,
    clusterIPs: [address],
    ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT }],
  };
  const metadata = { namespace: 'bench', name: `probe-${number}` };
  return { address, object: { apiVersion: 'v1', kind: 'Service', metadata, spec } };
}

function probeSlice(number: number, endpoint: string): UntypedObject {
  const labels = { 'kubernetes.io/service-name': `probe-${number}` };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'bench', name: `probe-${number}-x`, labels },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: TARGET_PORT }],
    endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
  };
}

interface Row {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean | undefined;
}

function report({ what, target, measured, met }: Row): void {
  const verdict = met === undefined ? '' : met ? 'met' : 'MISSED';
  console.log([what.padEnd(58), target.padStart(14), measured.padStart(34), verdict.padStart(8)].join(''));
}

async function withProgram<T>(api: ApiProcess, use: (program: Program) => Promise<T>): Promise<T> {
  const program = new Program(api, process.argv[2]);
  try {
    return await use(program);
  } catch (thrown) {
    console.error(program.lastWords);
    throw thrown;
  } finally {
    await program.stop();
  }
}

/** Create, switch and delete a Service, over and over. */
async function benchChanges(): Promise<void> {
  await emptyKernel();
  const api = await ApiProcess.start();
  await api.tell({ do: 'load', ...SMALL });
  const first = probeService(1);
  await api.tell({ do: 'put', objects: [NODE, first.object, probeSlice(1, ENDPOINTS[0])] });
  await withProgram(api, async () => {
    await untilAnswered(ENDPOINTS[0], FIRST_PROBE_ADDRESS);
    await sleep(SETTLE_MS);
    const samples = { created: [] as number[], switched: [] as number[], deleted: [] as number[] };
    const { address, object } = probeService(2);
    const [a, b] = [probeSlice(2, ENDPOINTS[0]), probeSlice(2, ENDPOINTS[1])];
    const time = async (into: number[], by: string, order: Parameters<ApiProcess['tell']>[0]): Promise<void> => {
      const answered = untilAnswered(by, address);
      await sleep(20);
      const [storedMs, answeredMs] = await Promise.all([api.tell(order), answered]);
      into.push(answeredMs - storedMs);
    };
    for (let round = 0; round < ROUNDS; round++) {
      await time(samples.created, ENDPOINTS[0], { do: 'put', objects: [a, object] });
      await time(samples.switched, ENDPOINTS[1], { do: 'put', objects: [b] });
      await time(samples.deleted, 'none', { do: 'remove', objects: [object, b] });
    }
    for (const [what, values] of Object.entries(samples)) {
      const p50 = median(values);
      const measured = `${spellMs(p50)} p50, ${spellMs(percentile(values, 0.99))} p99`;
      report({ what: `Service ${what} → first packet`, target: '20 ms p50', measured, met: p50 <= 20 });
    }
    console.log(`connections: ${[...answers].map(([answer, count]) => `${count} ${answer}`).join(', ')}`);
  });
  api.stop();
}

/** A large cluster: how long it takes to begin, and what it costs then. */
async function benchSize(): Promise<void> {
  await emptyKernel();
  const api = await ApiProcess.start();
  await api.tell({ do: 'load', ...LARGE });
  await api.tell({ do: 'put', objects: [NODE, probeService(1).object, probeSlice(1, ENDPOINTS[0])] });
  await withProgram(api, async (program) => {
    const loadedMs = (await untilAnswered(ENDPOINTS[0], FIRST_PROBE_ADDRESS, { pauseMs: 10 })) - program.startedMs;
    report({ what: 'process start → programmed', target: '3 s', measured: spellMs(loadedMs), met: loadedMs <= 3000 });
    await sleep(SETTLE_MS);
    reportMemory('after the load', program);
    const loop = await program.delays();
    const idle = await program.cpuShare(IDLE_MS);
    report({ what: 'CPU when idle', target: '≈ 0', measured: `${(idle * 100).toFixed(1)} %`, met: idle < 0.02 });
    const cpu = program.cpuShare(CHURN.durationMs);
    await api.tell({ do: 'churn', ...LARGE, ...CHURN });
    const busy = await cpu;
    report({
      what: `CPU for ${CHURN.perSecond} changes/s`,
      target: '40 %',
      measured: `${(busy * 100).toFixed(1)} %`,
      met: busy <= 0.4,
    });
    reportMemory('after the changes', program);
    await sleep(1500);
    const delayMs = longestDelayMs(loop, await program.delays());
    report({
      what: 'longest delay of the event loop since the load',
      target: '50 ms',
      measured: `≤ ${spellMs(delayMs)}`,
      met: delayMs <= 50,
    });
  });
  api.stop();
}

function reportMemory(when: string, program: Program): void {
  const { residentMb, peakMb, processes } = program.usage();
  const measured = `${Math.round(residentMb)} MB (peak ${Math.round(peakMb)} MB)`;
  report({ what: `memory ${when}: ${processes.join(', ')}`, target: '200 MB', measured, met: residentMb <= 200 });
}

async function main(): Promise<number> {
  if (!isInsidePrivateNamespace()) {
    const probe = await probePrivateNamespace({ keepUser: true });
    if (probe.available) return enterPrivateNamespace({ keepUser: true });
    console.error(`cannot make a private network namespace: ${probe.reason}`);
    return 2;
  }
  await openEndpoints();
  console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}; nft, IPv4 and IPv6`);
  console.log(`\n${SMALL.services} other Services × ${SMALL.endpointsPerService} endpoints, ${ROUNDS} rounds`);
  await benchChanges();
  console.log(`\n${LARGE.services} Services × ${LARGE.endpointsPerService} endpoints`);
  await benchSize();
  return 0;
}

process.exitCode = await main();
