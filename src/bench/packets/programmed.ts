import { writeFile } from 'node:fs/promises';
import { Applier } from '../../applier/applier.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import type { CommandRunner } from '../../kernel/command.ts';
import type { Topology } from '../../lab/topology.ts';
import { parseCidr } from '../../model/address.ts';
import { Store } from '../../model/store.ts';
import type { ObjectEvent } from '../../model/store.ts';
import { createSynthetic } from '../../source/synthetic.ts';
import type { Contender } from '../sync/contenders.ts';
import { backendOf, openDriver } from '../sync/contenders.ts';

export const TARGET_PORT = 8080;

const SERVICE_PORT = 80;

const ENDPOINTS_PER_SERVICE = 4;

export interface ProgrammedOptions {
  readonly contender: Contender;
  readonly services: number;
  readonly seed: number;
  readonly topology: Topology;
  readonly runner: CommandRunner;
}

/** Where connections go: what it is called, and `address:port`. */
export interface Target {
  readonly position: Position;
  readonly address: string;
}

/** `direct`: to an endpoint, past all Services. */
export const POSITIONS = ['direct', 'first', 'middle', 'last'] as const;

export type Position = (typeof POSITIONS)[number];

/** Programs the node for a made-up cluster, in which some Services lead to the lab's remote pods, and cleans up afterwards. */
export async function withProgrammed<T>(
  options: ProgrammedOptions,
  use: (targets: readonly Target[]) => Promise<T>,
): Promise<T> {
  const { contender, runner, topology } = options;
  const backend = backendOf(contender);
  await backend.cleanup(runner);
  const applier = new Applier({
    spelling: backend.spelling(contender.settings),
    drivers: new Map([['IPv4', openDriver(contender, runner)]]),
    clock: systemClock,
    log: silentLog,
    minSyncPeriodMs: 0,
    verifyPeriodMs: 3_600_000,
  });
  try {
    const { store, targets } = cluster(options);
    const clusterCidr = parseCidr(topology.clusterCidrs.IPv4);
    await applier.syncOnce({
      snapshot: store.snapshot(),
      node: { name: topology.node.name, addresses: [], interfaceAddresses: [], podCidrs: [] },
      settings: {
        masqueradeAll: false,
        detectLocal: { mode: 'ClusterCIDR', clusterCidrs: clusterCidr === undefined ? [] : [clusterCidr] },
        nodePortAddresses: [],
        externalIps: true,
        localhostNodePorts: false,
      },
    });
    return await use(targets);
  } finally {
    await applier.stop();
    await backend.cleanup(runner);
  }
}

/** Which Services are asked, by number; where there are few, one that is several of them is asked once. */
export function askedServices(services: number): ReadonlyMap<number, Position> {
  const asked = new Map<number, Position>([[0, 'first']]);
  for (const [index, position] of [
    [Math.floor(services / 2), 'middle'],
    [services - 1, 'last'],
  ] as const) {
    if (!asked.has(index)) asked.set(index, position);
  }
  return asked;
}

function cluster({ services, seed, topology }: ProgrammedOptions): { store: Store; targets: readonly Target[] } {
  const synthetic = createSynthetic({ services, endpointsPerService: ENDPOINTS_PER_SERVICE, seed });
  const pods = topology.pods.filter(({ netns }) => netns === 'remote').map(({ addresses }) => addresses.IPv4);
  const store = new Store();
  for (const event of synthetic.events()) store.apply(event);
  const targets: Target[] = [{ position: 'direct', address: `${pods[0]}:${TARGET_PORT}` }];
  for (const [index, position] of askedServices(services)) {
    store.apply(servedBy(synthetic.slice(index), pods));
    const { spec } = synthetic.service(index).json as { readonly spec: { readonly clusterIP: string } };
    targets.push({ position, address: `${spec.clusterIP}:${SERVICE_PORT}` });
  }
  return { store, targets };
}

/** The slice, with these pods as its endpoints. */
function servedBy(slice: ObjectEvent, pods: readonly string[]): ObjectEvent {
  const endpoints = pods.map((address) => ({ addresses: [address], conditions: { ready: true } }));
  return { ...slice, json: { ...(slice.json as object), endpoints } };
}

/**
 * Lets the kernel forget ended connections after a second, not ten: at some 20,000 a second its table would be full of them.
 * Not every kernel lets a namespace decide that.
 */
export async function forgetSoon(): Promise<void> {
  await writeFile('/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close', '1').catch(() => undefined);
}
