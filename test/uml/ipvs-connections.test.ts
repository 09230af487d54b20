import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Lab } from '../../src/lab/lab.ts';
import type { Hold } from '../../src/lab/origin.ts';
import { IP_FAMILIES, parseIpAddress, socketAddress } from '../../src/model/address.ts';
import type { IpFamily } from '../../src/model/address.ts';
import type { ProgramNode } from '../support/program-node.ts';
import type { ProgramService } from '../support/program-objects.ts';
import { clusterIp, SERVER_PORT, SERVICE_PORT } from '../support/program-objects.ts';
import type { Stream } from '../support/program-traffic.ts';
import { serversOf, startServers } from '../support/program-traffic.ts';
import { destinationsOf, emptyIpvsMachine, openIpvsNode } from './ipvs-machine.ts';

const web = { name: 'web', id: 10, pods: ['remote-a', 'remote-b'] };
const sticky = {
  name: 'sticky',
  id: 11,
  pods: ['remote-a', 'remote-b', 'remote-c'],
  spec: { sessionAffinity: 'ClientIP' },
};

/** The kernel keeps a connection that was reset for 10 s, and sluice looks every 10 s. */
const GONE_TIMEOUT_MS = 45_000;
const LOOK_EVERY_MS = 500;
const PATIENCE_MS = 5000;

let lab: Lab;
let node: ProgramNode;

beforeAll(async () => {
  lab = await Lab.create();
  await startServers(lab);
});

afterAll(() => lab.close());

beforeEach(async () => {
  node = await openIpvsNode([web, sticky]);
  await node.sync();
});

afterEach(async () => {
  await node.stop();
  await emptyIpvsMachine();
});

function virtualServer({ id }: { readonly id: number }, family: IpFamily): string {
  return socket(clusterIp({ id }, family), SERVICE_PORT);
}

function destination(pod: string, family: IpFamily, weight: number): { address: string; weight: number } {
  return { address: socket(lab.pod(pod).addresses[family], SERVER_PORT), weight };
}

function socket(text: string, port: number): string {
  const address = parseIpAddress(text);
  if (address === undefined) throw new Error(text);
  return socketAddress(address, port);
}

/** From outside to the ClusterIP, over TCP. */
function streamTo(service: ProgramService, family: IpFamily): Stream {
  const address = clusterIp(service, family);
  return { title: `outside tcp ${address}`, from: 'outside', protocol: 'tcp', address, port: SERVICE_PORT };
}

/** A connection to this pod; the scheduler takes turns. */
async function holdTo(pod: string, stream: Stream): Promise<Hold> {
  for (let i = 0; i < 8; i += 1) {
    const hold = await lab.at(stream.from).hold({ ...stream, timeoutMs: PATIENCE_MS });
    if (hold.opened.outcome === 'reply' && hold.opened.server === pod) return hold;
    await hold.close();
  }
  throw new Error(`${stream.title} never came to ${pod}`);
}

/** The same in both families, side by side. */
async function inBoth<T>(work: (family: IpFamily) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(IP_FAMILIES.map(work));
}

/** What each family should have, for {@link inBoth}. */
function each<T>(value: (family: IpFamily) => T): readonly T[] {
  return IP_FAMILIES.map(value);
}

const webDestinations = (): Promise<unknown> => inBoth((family) => destinationsOf('tcp', virtualServer(web, family)));
const webServers = (): Promise<unknown> => inBoth((family) => serversOf(lab, streamTo(web, family)));
const areAlive = (holds: readonly Hold[]): Promise<unknown> =>
  Promise.all(holds.map(async (hold) => (await hold.check(PATIENCE_MS)).alive));

describe('an endpoint that is removed', () => {
  let holds: readonly Hold[];

  beforeEach(async () => {
    holds = await inBoth((family) => holdTo('remote-a', streamTo(web, family)));
    node.put({ ...web, pods: ['remote-b'] });
    await node.sync();
  });

  test('keeps its connections, gets no new ones, and goes with the last', async () => {
    const leaving = each((family) => [destination('remote-a', family, 0), destination('remote-b', family, 1)]);
    expect(await webDestinations()).toEqual(leaving);
    expect(await webServers()).toEqual(each(() => new Set(['remote-b'])));
    expect(await areAlive(holds)).toEqual([true, true]);

    // Whoever comes after a restart knows of it.
    await node.restart();
    expect((await node.sync()).map(({ changes }) => changes)).toEqual([0, 0]);
    expect(await webDestinations()).toEqual(leaving);
    expect(await areAlive(holds)).toEqual([true, true]);

    await Promise.all(holds.map((hold) => hold.close()));
    const gone = each((family) => [destination('remote-b', family, 1)]);
    await expect.poll(webDestinations, { timeout: GONE_TIMEOUT_MS, interval: LOOK_EVERY_MS }).toEqual(gone);
    expect(await node.differences()).toEqual([]);
  });

  test('serves again when it comes back, and its connections never noticed', async () => {
    node.put({ ...web, pods: ['remote-a', 'remote-b'] });
    await node.sync();
    expect(await webDestinations()).toEqual(
      each((family) => [destination('remote-a', family, 1), destination('remote-b', family, 1)]),
    );
    expect(await webServers()).toEqual(each(() => new Set(['remote-a', 'remote-b'])));
    expect(await areAlive(holds)).toEqual([true, true]);
    await Promise.all(holds.map((hold) => hold.close()));
  });
});

test('an endpoint that is removed is left by a UDP client, whose port has a connection already', async () => {
  const ask = async (family: IpFamily): Promise<string> => {
    const sourcePort = { IPv4: 40_004, IPv6: 40_006 }[family];
    const packet = { protocol: 'udp', address: clusterIp(web, family), port: SERVICE_PORT, sourcePort } as const;
    const result = await lab.at('outside').probe({ ...packet, timeoutMs: PATIENCE_MS });
    return result.outcome === 'reply' ? result.server : result.outcome;
  };
  const first = await inBoth(ask);
  expect(first.every((pod) => web.pods.includes(pod))).toBe(true);
  for (const leaving of web.pods) {
    const pods = web.pods.filter((pod) => pod !== leaving);
    node.put({ ...web, pods });
    // IPVS would drop the datagram by which it learns that its connection leads nowhere (net.ipv4.vs.expire_nodest_conn), as
    // long as connection tracking knows the flow; that is cleaned by then.
    await node.sync();
    expect(await inBoth(ask)).toEqual(each(() => pods[0]));
  }
});

test('a client with affinity stays with its endpoint over changes and restarts', async () => {
  const servers = await inBoth((family) => serversOf(lab, streamTo(sticky, family)));
  expect(servers.map(({ size }) => size)).toEqual([1, 1]);
  const kept = servers.flatMap((set) => [...set]);
  await node.restart();
  node.put({ ...sticky, pods: ['remote-d', ...kept] });
  await node.sync();
  expect(await inBoth((family) => serversOf(lab, streamTo(sticky, family)))).toEqual(servers);
  node.put({ ...sticky, pods: ['remote-d'] });
  await node.sync();
  expect(await inBoth((family) => serversOf(lab, streamTo(sticky, family)))).toEqual(each(() => new Set(['remote-d'])));
});

test('a restart finds its own and writes nothing', async () => {
  await node.restart();
  expect((await node.sync()).map(({ family, changes }) => [family, changes])).toEqual(
    IP_FAMILIES.map((family) => [family, 0]),
  );
  expect(node.complaints.lines).toEqual([]);
});
