import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ApiUpstream } from '../../src/lab/api/api-upstream.ts';
import { FakeApiCluster } from '../../src/lab/api/fake-api-cluster.ts';
import { FaultyApiServer } from './faulty-api-server.ts';
import type { Follower, FollowerOptions } from './kube-follower.ts';
import { startFollower } from './kube-follower.ts';
import { kubeNode, kubeService, kubeSlice } from './kube-objects.ts';
import { RealApiCluster } from '../../src/lab/api/real-api-cluster.ts';

const ASSETS = process.env['KUBEBUILDER_ASSETS'] ?? '';

type ClusterName = 'a fake API server' | 'kube-apiserver';

/** What faults are put in front of. kube-apiserver is among it where `KUBEBUILDER_ASSETS` names a folder with it and etcd. */
export function clusters(): readonly ClusterName[] {
  if (ASSETS !== '') return ['a fake API server', 'kube-apiserver'];
  console.log('skipped: kube-apiserver (KUBEBUILDER_ASSETS does not name a folder with it and etcd)');
  return ['a fake API server'];
}

/** Services, EndpointSlices, this Node, ServiceCIDRs. */
const RESOURCES = 4;

let real: RealApiCluster | undefined;

/** Long enough to start a kube-apiserver. */
export const CLUSTER_START_MS = 120_000;

/** Ends the kube-apiserver of this test file, if there is one. */
export async function stopClusters(): Promise<void> {
  await real?.stop();
  real = undefined;
}

export interface FollowOptions extends Partial<FollowerOptions> {
  /** How many the server has to have of those that are followed. */
  readonly resources?: number;
}

/** A cluster with node-1 and five Services with a slice each, a server that fails on demand, and one who follows it. */
export class KubeLab {
  readonly upstream: ApiUpstream;
  readonly server: FaultyApiServer;
  readonly folder: string;
  #follower: Follower | undefined;

  constructor(upstream: ApiUpstream, folder: string) {
    this.upstream = upstream;
    this.folder = folder;
    this.server = new FaultyApiServer(upstream);
  }

  static async start(cluster: ClusterName): Promise<KubeLab> {
    if (cluster === 'kube-apiserver') real ??= await RealApiCluster.start(ASSETS);
    const upstream = cluster === 'kube-apiserver' && real !== undefined ? real : new FakeApiCluster();
    const lab = new KubeLab(upstream, await mkdtemp(join(tmpdir(), 'sluice-kube-')));
    await lab.server.start();
    await upstream.put(kubeNode('zone-0'));
    for (let i = 0; i < 5; i++) {
      await upstream.put(kubeService(i));
      await upstream.put(kubeSlice(i));
    }
    return lab;
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
    await this.server.stop();
    for (const kind of ['Service', 'EndpointSlice']) {
      for (const object of await this.upstream.list(kind)) {
        if (object.metadata.name.startsWith('svc-')) await this.upstream.remove({ ...object, kind });
      }
    }
    await rm(this.folder, { recursive: true });
  }

  /** Follows the server, and waits until all is known and watched. */
  async follow({ resources = RESOURCES, ...options }: FollowOptions = {}): Promise<Follower> {
    const follower = await startFollower({ upstream: this.upstream, master: this.server.url, ...options });
    this.#follower = follower;
    const isReady = (): boolean => follower.isSynced() && this.server.watches() === resources;
    for (let i = 0; !isReady(); i++) {
      if (i > 1000) throw new Error('the server was not followed in time');
      await setTimeout(5);
    }
    return follower;
  }

  /** Each kind of change once. */
  async change(variant: number): Promise<void> {
    const { upstream } = this;
    await upstream.put(kubeService(0, variant));
    await upstream.put(kubeSlice(0, variant));
    await upstream.remove(kubeService(1));
    await upstream.remove(kubeSlice(2));
    await upstream.put(kubeService(10 + variant));
    await upstream.put(kubeSlice(10 + variant));
    await upstream.put(kubeNode(`zone-${variant}`));
  }

  /** Writes a file beside the kubeconfig. */
  async write(name: string, text: string): Promise<void> {
    await writeFile(join(this.folder, name), text);
  }

  async read(name: string): Promise<string> {
    return readFile(join(this.folder, name), 'utf8');
  }

  /** Options of one who follows with a kubeconfig. */
  async kubeconfig(user: object, cluster: object = {}): Promise<Partial<FollowerOptions>> {
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'me' } }],
      clusters: [{ name: 'here', cluster: { server: this.server.url, ...cluster } }],
      users: [{ name: 'me', user }],
    };
    await this.write('kubeconfig', JSON.stringify(config));
    return { master: '', kubeconfig: join(this.folder, 'kubeconfig') };
  }
}
