import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LineProcess } from '../../src/kernel/process.ts';
import { startLineProcess } from '../../src/kernel/process.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../src/lab/api/fake-api-cluster.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { FaultyApiServer } from './faulty-api-server.ts';
import { run } from './program-machine.ts';
import { TOPOLOGY } from './scenario-settings.ts';

/** The binary of a kube-proxy; empty where tests are to do without. */
export const KUBE_PROXY = process.env['SLUICE_TEST_KUBE_PROXY'] ?? '';

export const KUBE_PROXY_MODES = ['nftables', 'iptables'] as const;

export type KubeProxyMode = (typeof KUBE_PROXY_MODES)[number];

/** What tests with a real kube-proxy run in: nothing, without one. */
export const REAL_KUBE_PROXY_MODES: readonly KubeProxyMode[] = KUBE_PROXY === '' ? [] : KUBE_PROXY_MODES;

/** Longer than a start and two syncs take on a very busy machine. */
const SYNC_TIMEOUT_MS = 30_000;
const POLL_MS = 40;
const STOP_MS = 5000;

/**
 * A Service that nobody asks for, whose ports count up. Its objects are the last ones of each watch, so rules that have them
 * have everything before.
 */
const MARK = {
  clusterIps: { IPv4: '10.96.255.250', IPv6: 'fd00:10:96::fffa' },
  endpoints: { IPv4: '10.244.9.9', IPv6: 'fd00:10:244:9::9' },
  firstPort: 20_000,
} as const;

interface KubeProxyOptions {
  readonly mode: KubeProxyMode;
  /** Fields of a KubeProxyConfiguration; `masqueradeAll` stands for the mode's. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** The cluster at the start, the Node among it. */
  readonly objects: readonly UntypedObject[];
}

/** A real kube-proxy on the lab's node, that is to say in this process's namespace, with an API server on its loopback. */
export class KubeProxyProcess {
  readonly objects: FakeApiCluster;
  readonly #mode: KubeProxyMode;
  readonly #server: FaultyApiServer;
  readonly #folder: string;
  readonly #process: LineProcess;
  #port = MARK.firstPort;
  #hasEnded = false;

  private constructor(parts: {
    mode: KubeProxyMode;
    objects: FakeApiCluster;
    server: FaultyApiServer;
    folder: string;
    process: LineProcess;
  }) {
    this.#mode = parts.mode;
    this.objects = parts.objects;
    this.#server = parts.server;
    this.#folder = parts.folder;
    this.#process = parts.process;
    void parts.process.ended.then(() => {
      this.#hasEnded = true;
    });
  }

  /** Starts it and waits for the first sync. */
  static async start(options: KubeProxyOptions): Promise<KubeProxyProcess> {
    const { mode } = options;
    const objects = new FakeApiCluster();
    for (const object of options.objects) await objects.put(withoutLabels(object));
    const server = new FaultyApiServer(objects);
    await server.start();
    const folder = await mkdtemp('/run/sluice-kube-proxy-');
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(kubeconfig, JSON.stringify(accessTo(server.url)));
    const config = join(folder, 'config');
    await writeFile(config, JSON.stringify(configurationOf(options, kubeconfig)));
    const process = await startLineProcess({ file: KUBE_PROXY, args: ['--config', config], onLine: () => undefined });
    const proxy = new KubeProxyProcess({ mode, objects, server, folder, process });
    await proxy.synced();
    for (const object of options.objects) if (object.kind === 'Node') await objects.put(object);
    await proxy.synced();
    return proxy;
  }

  /** Waits until the rules of both families show all objects as they are now. @throws with its last words when it does not. */
  async synced(): Promise<void> {
    this.#port += 1;
    for (const object of markOf(this.#port)) await this.objects.put(object);
    const end = Date.now() + SYNC_TIMEOUT_MS;
    while (!(await this.#hasMark())) {
      if (Date.now() > end || this.#hasEnded) {
        throw new Error(`kube-proxy does not sync:\n${this.#process.stderrTail()}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Ends it; its rules stay. */
  async stop(): Promise<void> {
    try {
      process.kill(this.#process.pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
    await this.#process.stop(STOP_MS);
    await this.#server.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #hasMark(): Promise<boolean> {
    const texts = await Promise.all(IP_FAMILIES.map((family) => rulesOf(this.#mode, family)));
    return IP_FAMILIES.every((family, i) =>
      [MARK.clusterIps[family], MARK.endpoints[family]].every((address) =>
        texts[i]?.split('\n').some((line) => line.includes(address) && line.includes(String(this.#port))),
      ),
    );
  }
}

/**
 * kube-proxy 1.36 may overlook the zone that its Node has at the start: whoever follows the Node can have heard of it before the
 * proxier listens, and tells of differences only. A label that comes later is never missed.
 */
function withoutLabels(object: UntypedObject): UntypedObject {
  const { labels: _, ...metadata } = object.metadata;
  return object.kind === 'Node' ? { ...object, metadata } : object;
}

async function rulesOf(mode: KubeProxyMode, family: (typeof IP_FAMILIES)[number]): Promise<string> {
  const six = family === 'IPv6' ? '6' : '';
  const [file, ...args] =
    mode === 'nftables'
      ? (['nft', 'list', 'table', `ip${six}`, 'kube-proxy'] as const)
      : ([`ip${six}tables-save`, '-t', 'nat'] as const);
  // Until the first sync there is no such table.
  return run(file, args).catch(() => '');
}

function accessTo(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server } }],
    users: [{ name: 'lab', user: {} }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  };
}

/** Settings of the kernel that a namespace may not have are left alone; syncs are not made to wait. */
function configurationOf({ mode, configuration = {} }: KubeProxyOptions, kubeconfig: string): object {
  const { masqueradeAll = false, ...more } = configuration;
  const own = configuration[mode] as object | undefined;
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    hostnameOverride: TOPOLOGY.node.name,
    clientConnection: { kubeconfig },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    metricsBindAddress: '127.0.0.1:10249',
    oomScoreAdj: 0,
    ...more,
    [mode]: { minSyncPeriod: '20ms', masqueradeAll, ...own },
  };
}

function markOf(port: number): readonly UntypedObject[] {
  const clusterIPs = Object.values(MARK.clusterIps);
  const metadata = { namespace: 'kube-system', name: 'mark' };
  const ports = [{ name: 'mark', protocol: 'TCP', port }];
  const service = { type: 'ClusterIP', clusterIP: clusterIPs[0], clusterIPs, ipFamilies: IP_FAMILIES, ports };
  const slices = IP_FAMILIES.map((family) => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...metadata, name: `mark-${family}`, labels: { 'kubernetes.io/service-name': metadata.name } },
    addressType: family,
    ports,
    endpoints: [{ addresses: [MARK.endpoints[family]], conditions: { ready: true } }],
  }));
  return [{ apiVersion: 'v1', kind: 'Service', metadata, spec: service }, ...slices];
}
