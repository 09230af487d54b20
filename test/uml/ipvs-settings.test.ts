import { readFile } from 'node:fs/promises';
import { afterEach, expect, test } from 'vitest';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { run } from '../support/program-machine.ts';
import type { ProgramNode } from '../support/program-node.ts';
import { destinationsOf, emptyIpvsMachine, ipvsMachine, openIpvsNode } from './ipvs-machine.ts';

const web = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };
const sticky = { name: 'sticky', id: 11, pods: ['remote-b'], spec: { sessionAffinity: 'ClientIP' } };

/** One of each sort: by load, by the client's address, and the one with flags. */
const SCHEDULERS = ['wlc', 'sh', 'mh'];

let node: ProgramNode;

afterEach(async () => {
  await node.stop();
  await emptyIpvsMachine();
});

/** The flags of all virtual servers, without those that persistence adds. */
async function flagsOfServers(): Promise<ReadonlySet<string>> {
  const { servers } = await ipvsMachine();
  const flags = servers.flatMap((line) => /^-A \S+ \S+ (.*)$/.exec(line)?.[1] ?? []);
  return new Set(flags.map((text) => text.replace(/ -p \d+/, '')));
}

test('a scheduler is taken as it is, and one takes the place of the other with the destinations there', async () => {
  const destinations = async () => (await destinationsOf('tcp', '10.96.0.10:80')).map(({ weight }) => weight);
  for (const scheduler of SCHEDULERS) {
    node = await openIpvsNode([web, sticky], { 'ipvs-scheduler': scheduler });
    await node.sync();
    // As kube-proxy has it: the ports of clients count as well.
    const flags = scheduler === 'mh' ? '-s mh -b mh-port' : `-s ${scheduler}`;
    expect({ flags: await flagsOfServers(), destinations: await destinations() }).toEqual({
      flags: new Set([flags]),
      destinations: [1, 1],
    });
    expect({ scheduler, differences: await node.differences() }).toEqual({ scheduler, differences: [] });
    await node.stop();
  }
});

test('affinity is of single addresses, in both families', async () => {
  node = await openIpvsNode([sticky]);
  await node.sync();
  const table = await readFile('/proc/net/ip_vs', 'utf8');
  // Behind the time is a mask; of IPv6 the kernel has the length of the prefix, and prints it in the order of the network.
  const masks = IP_FAMILIES.map((family) => {
    const lines = table
      .split('\n')
      .filter((line) => / persistent /.test(line) && line.includes('[') === (family === 'IPv6'));
    return [family, new Set(lines.map((line) => / persistent \d+ (\S+)/.exec(line)?.[1]))];
  });
  expect(masks).toEqual([
    ['IPv4', new Set(['FFFFFFFF'])],
    ['IPv6', new Set(['80000000'])],
  ]);
});

test('timeouts and strict ARP reach the kernel, and what is not asked for stays', async () => {
  const timeouts = async () => /: (.*)$/m.exec(await run('ipvsadm', ['--list', '--timeout']))?.[1];
  const arp = () =>
    Promise.all(
      ['arp_ignore', 'arp_announce'].map(async (name) =>
        Number(await readFile(`/proc/sys/net/ipv4/conf/all/${name}`, 'utf8')),
      ),
    );
  node = await openIpvsNode([web]);
  expect([await timeouts(), await arp()]).toEqual(['900 120 300', [0, 0]]);
  await node.stop();
  node = await openIpvsNode([web], { 'ipvs-strict-arp': true, 'ipvs-tcp-timeout': '10m', 'ipvs-udp-timeout': '30s' });
  expect([await timeouts(), await arp()]).toEqual(['600 120 30', [1, 2]]);
  const settings = ['conntrack', 'expire_nodest_conn', 'expire_quiescent_template'];
  const values = settings.map(async (name) => Number(await readFile(`/proc/sys/net/ipv4/vs/${name}`, 'utf8')));
  expect(await Promise.all(values)).toEqual([1, 1, 1]);
});
