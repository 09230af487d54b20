import { afterEach, beforeEach, expect, test } from 'vitest';
import { cleanup } from '../../src/app/cleanup.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { iptables, run, writeKubeletRules } from '../support/program-machine.ts';
import type { ProgramNode } from '../support/program-node.ts';
import { clusterIp } from '../support/program-objects.ts';
import type { IpvsMachine } from './ipvs-machine.ts';
import { emptyIpvsMachine, ipvsMachine, openIpvsNode } from './ipvs-machine.ts';

const web = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };
const sticky = { name: 'sticky', id: 11, pods: ['remote-b'], spec: { sessionAffinity: 'ClientIP' } };
const empty = { name: 'empty', id: 13, pods: [] };

/** Of somebody who balances load here too: in no network that is excluded, on no address that is ours. */
const SERVERS = `
-A -t 203.0.113.1:80 -s wlc
-a -t 203.0.113.1:80 -r 203.0.113.2:80 -g -w 5
-A -u [2001:db8:3::1]:53 -s rr -p 300
-a -u [2001:db8:3::1]:53 -r [2001:db8:3::2]:53 -m -w 1
-A -f 7 -s rr
-a -f 7 -r 203.0.113.9:0 -m -w 0
`;

/** In a network of --ipvs-exclude-cidrs, one on a port of the node besides. */
const EXCLUDED = `
-A -t 198.51.100.7:80 -s rr
-a -t 198.51.100.7:80 -r 198.51.100.8:80 -m -w 1
-A -t 198.51.100.9:30010 -s sh
-A -t [2001:db8:100::7]:443 -s rr
`;
const EXCLUDED_CIDRS = ['198.51.100.0/24', '2001:db8:100::/64'];

const IPSETS = `
create cni-pods hash:net family inet
add cni-pods 10.244.0.0/16
create KUBE-MY-SET hash:ip,port family inet
add KUBE-MY-SET 10.96.0.10,tcp:80
create sluice hash:ip family inet6
add sluice fd00:10:96::10
`;

const LINKS = `
link add others0 type dummy
addr add 203.0.113.1/32 dev others0
addr add 10.96.0.200/32 dev others0
addr add 2001:db8:3::1/128 dev others0 nodad
link set others0 up
`;

const RULES = `*nat
:KUBE-FOO - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-FOO
-A PREROUTING -p tcp -m tcp --dport 1 -j DOCKER
-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 10.88.0.0/16 -j MASQUERADE
-A DOCKER -p tcp -m tcp --dport 2 -j RETURN
COMMIT
*filter
:DOCKER-USER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -j DOCKER-USER
-A FORWARD -m mark --mark 0x4000/0x4000 -j DOCKER-USER
COMMIT
*mangle
-A PREROUTING -p tcp -m tcp --dport 3 -j MARK --set-xmark 0x7/0xffffffff
COMMIT
`;

let node: ProgramNode;
let foreign: IpvsMachine;

beforeEach(async () => {
  await run('ipset', ['restore'], IPSETS);
  await run('ip', ['-batch', '-'], LINKS);
  await writeKubeletRules('legacy');
  for (const family of IP_FAMILIES) {
    const rules = family === 'IPv4' ? RULES : RULES.replace('10.88.0.0/16', 'fd00:88::/64');
    await iptables('legacy', family, rules);
  }
  await run('ipvsadm', ['--restore'], SERVERS + EXCLUDED);
  foreign = await ipvsMachine();
  node = await openIpvsNode([web, sticky, empty], { 'ipvs-exclude-cidrs': EXCLUDED_CIDRS });
});

afterEach(async () => {
  await node.stop();
  await emptyIpvsMachine();
});

/** What was there before and is there no more, or no more in this order. */
async function missing(): Promise<readonly string[]> {
  const now = await ipvsMachine();
  const lists = (machine: IpvsMachine) => [machine.servers, machine.ipsets, machine.addresses, ...machine.iptables];
  return lists(foreign).flatMap((before, i) => {
    const known = new Set(before);
    const remaining = (lists(now)[i] ?? []).filter((line) => known.has(line));
    return remaining.join('\n') === before.join('\n') ? [] : before.filter((line) => !remaining.includes(line));
  });
}

test('what others have is the same after syncs, restarts and cleanup', async () => {
  await node.sync();
  expect(await node.differences()).toEqual([]);
  expect(await missing()).toEqual([]);

  node.put({ ...web, pods: ['pod-d'] });
  node.remove(sticky);
  await node.sync();
  await node.restart();
  node.put({ ...empty, pods: ['remote-c'] });
  await node.sync();
  for (const service of [web, empty]) node.remove(service);
  await node.sync();
  expect(await node.differences()).toEqual([]);
  expect(await missing()).toEqual([]);

  expect((await cleanup({ backend: 'ipvs' })).removed.length).toBeGreaterThan(0);
  expect(await ipvsMachine()).toEqual(foreign);
  expect((await cleanup({ backend: 'ipvs' })).removed).toEqual([]);
  expect(await ipvsMachine()).toEqual(foreign);
});

test('what somebody adds to our device or our sets is removed, since it would be served', async () => {
  await node.sync();
  await run('ip', ['addr', 'add', '10.96.0.77/32', 'dev', 'kube-ipvs0']);
  await run('ipvsadm', ['--restore'], `-a -t ${clusterIp(web, 'IPv4')}:80 -r 203.0.113.66:80 -m -w 1\n`);
  expect((await node.differences()).length).toBeGreaterThan(0);
  await node.restart();
  await node.sync();
  expect(await node.differences()).toEqual([]);
  expect(await missing()).toEqual([]);
});
