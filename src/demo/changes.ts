import type { AddressFrontend, ServicePlan } from '../compiler/plan.ts';
import type { Lab } from '../lab/lab.ts';
import type { IpAddress } from '../model/address.ts';
import { socketAddress } from '../model/address.ts';
import { PLACE_OF } from './traffic.ts';
import type { World } from './world.ts';

/** The part of an EndpointSlice object that is changed here. */
interface SliceObject {
  readonly endpoints: readonly { readonly addresses: readonly string[] }[];
}

/** A destination to watch while the cluster changes. */
interface Watched {
  /** `namespace/name`. */
  readonly service: string;
  readonly address: IpAddress;
  readonly port: number;
  readonly endpoints: readonly string[];
  /** The slice that has the first of the endpoints. */
  readonly sliceName: string;
  readonly slice: SliceObject;
}

const CONNECTIONS = 60;

/**
 * Takes an endpoint away, brings it back and deletes the Service, with connections being made all the time.
 *
 * @returns one entry per check: did it hold?
 */
export async function showChanges(lab: Lab, world: World, print: (line: string) => void): Promise<readonly boolean[]> {
  const watched = pickService(world);
  if (watched === undefined) {
    print('No TCP Service with three endpoints or more to change; the examples in deploy/examples have one.');
    return [];
  }
  const { service, address, port, slice, endpoints } = watched;
  const destination = { protocol: 'tcp', address, port } as const;
  const pod = lab.at(PLACE_OF.pod);
  const report = (held: boolean, text: string): boolean => {
    print(`  ${held ? '✓' : '✗'} ${text}`);
    return held;
  };
  const changeSlice = async (what: string, json: SliceObject, wanted: readonly string[]): Promise<boolean> => {
    world.store.apply({ kind: 'EndpointSlice', name: watched.sliceName, json });
    const { ms } = await world.sync();
    const replies = await pod.probes({ ...destination, count: CONNECTIONS });
    const met = new Set(replies.map((reply) => (reply.outcome === 'reply' ? reply.server : reply.outcome)));
    const held = met.size === wanted.length && wanted.every((endpoint) => met.has(endpoint));
    return report(
      held,
      `${what}: written after ${ms.toFixed(1)} ms; the next ${CONNECTIONS} connections met ${[...met].sort().join(', ')}`,
    );
  };

  print(`Changes to ${service} (${socketAddress(address, port)}) while a pod keeps connecting to it:`);
  const stress = pod.stress({ ...destination, durationMs: 60_000, concurrency: 2 });
  const [gone = '', ...rest] = endpoints;
  const without = { ...slice, endpoints: slice.endpoints.filter((one) => !hasAddress(one, gone)) };
  const checks = [
    await changeSlice(`endpoint ${gone} removed`, without, rest),
    await changeSlice('and added again', slice, endpoints),
  ];
  const { attempts, failed } = await stress.stop();
  checks.push(report(failed === 0, `${attempts} connections were made meanwhile, ${failed} failed`));

  world.store.apply({ kind: 'Service', name: service, json: undefined });
  const { ms } = await world.sync();
  const { outcome } = await pod.probe(destination);
  checks.push(
    report(
      outcome !== 'reply',
      `Service deleted: written after ${ms.toFixed(1)} ms; a connection now ends in ${outcome}`,
    ),
  );
  return checks;
}

/** The first Service that a pod reaches over TCP at three endpoints or more, picked at random for each connection. */
function pickService(world: World): Watched | undefined {
  const services = [...world.plan('IPv4').services.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const changeable = services.find(
    (one) =>
      one.protocol === 'tcp' &&
      one.affinityTimeoutS === undefined &&
      one.pools.cluster.length >= 3 &&
      clusterIpOf(one) !== undefined,
  );
  const frontend = changeable === undefined ? undefined : clusterIpOf(changeable);
  if (changeable === undefined || frontend === undefined) return undefined;
  const endpoints = changeable.pools.cluster.map((target) => socketAddress(target.address, target.port));
  const found = world.objects.find(
    ({ kind, json }) =>
      kind === 'EndpointSlice' && (json as SliceObject).endpoints.some((one) => hasAddress(one, endpoints[0] ?? '')),
  );
  if (found === undefined) return undefined;
  const service = changeable.key.slice(0, changeable.key.indexOf(':'));
  const { address, port } = frontend;
  return { service, address, port, endpoints, sliceName: found.name, slice: found.json as SliceObject };
}

function clusterIpOf(service: ServicePlan): AddressFrontend | undefined {
  return service.frontends.find((frontend): frontend is AddressFrontend => frontend.kind === 'cluster-ip');
}

function hasAddress(endpoint: SliceObject['endpoints'][number], socket: string): boolean {
  return endpoint.addresses.some((address) => socket.startsWith(`${address}:`) || socket.startsWith(`[${address}]:`));
}
