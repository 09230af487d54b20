import { systemClock } from '../../src/base/clock.ts';
import { Store } from '../../src/model/store.ts';
import type { KubeClientOptions } from '../../src/source/kube-client.ts';
import { createKubeClient } from '../../src/source/kube-client.ts';
import type { KubeEvent, KubeSource } from '../../src/source/kube-source.ts';
import { startKubeSource } from '../../src/source/kube-source.ts';
import { proxyResources } from '../../src/source/resources.ts';
import type { ReflectorTimings } from '../../src/source/reflector.ts';
import type { ApiUpstream, UntypedObject } from '../../src/lab/api/api-upstream.ts';
import { recordingLog } from './recording-log.ts';

/** Impatient, so that tests are quick. */
const TIMINGS: Partial<ReflectorTimings> = {
  idleMs: 300,
  listIdleMs: 300,
  backoffFirstMs: 5,
  backoffMaxMs: 50,
  settledMs: 200,
  absentMs: 50,
};

export interface FollowerOptions extends Partial<KubeClientOptions> {
  readonly upstream: ApiUpstream;
  readonly timings?: Partial<ReflectorTimings>;
}

/** A store that follows an API server, as in the program. */
export interface Follower {
  readonly store: Store;
  readonly source: KubeSource;
  readonly batches: (readonly KubeEvent[])[];
  readonly log: ReturnType<typeof recordingLog>;
  readonly isSynced: () => boolean;
  /** What the store shows now. */
  readonly shown: () => unknown;
  /** What a store shows that has the objects of the cluster as they are now. */
  readonly truth: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

/** For `expect.poll`: how long it may take until the store shows the truth. */
export const SOON = { timeout: 5000, interval: 5 };

/** Follows node-1. */
export async function startFollower({ upstream, timings, ...options }: FollowerOptions): Promise<Follower> {
  const log = recordingLog();
  const client = await createKubeClient({ clock: systemClock, log: log.log, qps: -1, ...options });
  const store = new Store();
  const batches: (readonly KubeEvent[])[] = [];
  let synced = false;
  const source = startKubeSource({
    client,
    resources: proxyResources('node-1'),
    log: log.log,
    clock: systemClock,
    timings: { ...TIMINGS, ...timings },
    onEvents: (events) => {
      batches.push(events);
      for (const event of events) store.apply(event);
    },
    onSynced: () => {
      synced = true;
    },
  });
  return {
    store,
    source,
    batches,
    log,
    isSynced: () => synced,
    shown: () => pictureOf(store),
    truth: async () => pictureOf(await storeOf(upstream)),
    async stop() {
      await source.stop();
      client.close();
    },
  };
}

/** What kube-proxy asks for. */
const QUERIES: Readonly<Record<string, string>> = {
  Service: 'labelSelector=!service.kubernetes.io/service-proxy-name&fieldSelector=spec.clusterIP!%3DNone',
  EndpointSlice: 'labelSelector=!service.kubernetes.io/headless',
  Node: 'fieldSelector=metadata.name%3Dnode-1',
  ServiceCIDR: '',
};

/** A store that was never told anything but the truth. */
async function storeOf(upstream: ApiUpstream): Promise<Store> {
  const store = new Store();
  for (const [kind, query] of Object.entries(QUERIES)) {
    for (const json of await upstream.list(kind, query)) store.apply({ kind: kind as never, name: nameOf(json), json });
  }
  return store;
}

function nameOf({ metadata }: UntypedObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/** Everything that a store knows, in an order that does not depend on its history. */
function pictureOf(store: Store): unknown {
  const { servicePorts, endpoints, serviceCidrs } = store.snapshot();
  const sorted = (map: Iterable<readonly [string, unknown]>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    servicePorts: sorted(servicePorts),
    endpoints: sorted(endpoints),
    serviceCidrs,
    nodes: sorted(store.nodes()),
    orphans: store.orphanSlices(),
  };
}
