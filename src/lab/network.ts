import { readFile, writeFile } from 'node:fs/promises';
import { SluiceError } from '../base/errors.ts';
import type { CommandRunner } from '../kernel/command.ts';
import type { DualStack, LabPod, Topology } from './topology.ts';

/**
 * A neighbour that takes every packet and answers none: what no Service claims is lost silently, at once and on
 * purpose.
 */
const NOBODY = { IPv4: '172.18.0.1', IPv6: 'fd00:172:18::1', mac: '02:00:00:00:00:01' } as const;

/** The node's settings. Links inherit `default`, so these come before them. */
const NODE_SYSCTLS: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv6/conf/default/forwarding': '1',
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/all/disable_ipv6': '0',
  'net/ipv6/conf/default/disable_ipv6': '0',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/conf/default/send_redirects': '0',
  // A refusal is an ICMP error, and of these Linux sends a client one a second after a few: tests ask faster.
  'net/ipv4/icmp_ratemask': '0',
  'net/ipv6/icmp/ratelimit': '0',
};

/** What the kernel chooses as source ports, everywhere in the lab: below NodePorts, and not where callers choose. */
const PORT_RANGE = { name: 'net/ipv4/ip_local_port_range', value: '10000 29999' } as const;

/** Packets that a bridge carries from port to port meet iptables and nft only with these, if the kernel has them. */
const BRIDGE_SYSCTLS = ['net/bridge/bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-ip6tables'] as const;

/** Names of the network namespaces that the lab makes. */
export function namespacesOf(topology: Topology): readonly string[] {
  return ['outside', 'remote', ...localPods(topology).map((pod) => pod.netns)];
}

/** Makes the namespaces, so that agents can start in them while {@link buildNetwork} is at work. */
export async function makeNamespaces(runner: CommandRunner, topology: Topology): Promise<void> {
  await ipBatch(
    runner,
    namespacesOf(topology).map((name) => `netns add ${name}`),
  );
}

/**
 * Makes links, addresses and routes.
 *
 * @returns whether bridged packets meet netfilter: the kernel has `bridge-nf-call-iptables`.
 * @throws {SluiceError} `lab-failed` with the line that `ip` refused.
 */
export async function buildNetwork(runner: CommandRunner, topology: Topology): Promise<{ bridgeNetfilter: boolean }> {
  for (const [name, value] of Object.entries(NODE_SYSCTLS)) await writeSysctl(name, value);
  await setPortRange(runner);
  await ipBatch(runner, nodeLinks(topology));
  const { addresses, bridgeAddresses, peerAddresses } = topology.node;
  const remote = [...endLink(topology.remoteNode.addresses, peerAddresses), ...remoteLoopback(topology)];
  await Promise.all([
    ipBatch(runner, endLink(topology.outside.addresses, addresses), 'outside'),
    ipBatch(runner, remote, 'remote'),
    ...localPods(topology).map((pod) => ipBatch(runner, endLink(pod.addresses, bridgeAddresses), pod.netns)),
  ]);
  await ipBatch(runner, nodeRoutes(topology));
  const bridged = await Promise.all(BRIDGE_SYSCTLS.map((name) => writeSysctlIfThere(name, '1')));
  return { bridgeNetfilter: bridged.every(Boolean) };
}

/** Removes whatever of the lab's links and namespaces is there. */
export async function removeNetwork(runner: CommandRunner, topology: Topology): Promise<void> {
  const { bridge, uplink, peerLink } = topology.node;
  const links = [bridge, uplink, peerLink, ...localPods(topology).map((_pod, i) => vethName(i))];
  const lines = [
    ...links.map((link) => `link del ${link}`),
    ...namespacesOf(topology).map((name) => `netns del ${name}`),
  ];
  // After a failed start some are missing: -force goes on, and the exit code says nothing then.
  await runner.run('ip', ['-force', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function localPods(topology: Topology): readonly LabPod[] {
  return topology.pods.filter((pod) => pod.nodeName === topology.node.name);
}

function vethName(index: number): string {
  return `veth${index}`;
}

function nodeLinks(topology: Topology): string[] {
  const { bridge, uplink, peerLink, addresses, bridgeAddresses, peerAddresses } = topology.node;
  const nodeAddresses = [
    [bridge, bridgeAddresses],
    [uplink, addresses],
    [peerLink, peerAddresses],
  ] as const;
  return [
    `link add ${bridge} type bridge forward_delay 0 mcast_snooping 0`,
    `link add ${uplink} type veth peer name eth0 netns outside`,
    `link add ${peerLink} type veth peer name eth0 netns remote`,
    ...nodeAddresses.flatMap(([link, own]) => [
      `link set ${link} addrgenmode none`,
      ...addAddresses(link, own),
      `link set ${link} up`,
    ]),
    ...localPods(topology).flatMap((pod, i) => [
      `link add ${vethName(i)} type veth peer name eth0 netns ${pod.netns}`,
      `link set ${vethName(i)} addrgenmode none`,
      `link set ${vethName(i)} master ${bridge} up`,
      // A pod reaches itself through its Service: the packet goes back out of the port it came in by.
      `link set ${vethName(i)} type bridge_slave hairpin on`,
    ]),
  ];
}

/** The single link of a namespace other than the node, with a default route through the node. */
function endLink(own: DualStack, gateway: DualStack): string[] {
  return [
    'link set lo up',
    'link set eth0 addrgenmode none',
    'link set eth0 up',
    ...addAddresses('eth0', own),
    `route add default via ${gateway.IPv4}`,
    `route add default via ${gateway.IPv6}`,
  ];
}

/**
 * The link-local address is given by hand, since a generated one comes late: who forwards an IPv6 packet asks for its
 * neighbour from there, and the neighbour needs the route that its own brings to answer.
 */
function addAddresses(link: string, { IPv4, IPv6 }: DualStack): string[] {
  const linkLocal = `fe80::${IPv6.slice(IPv6.indexOf('::') + 2)}`;
  return [
    `addr add ${IPv4}/24 dev ${link}`,
    `addr add ${IPv6}/64 dev ${link} nodad`,
    `addr add ${linkLocal}/64 dev ${link} nodad`,
  ];
}

function remoteLoopback(topology: Topology): string[] {
  return topology.pods
    .filter((pod) => pod.nodeName === topology.remoteNode.name)
    .flatMap((pod) => [`addr add ${pod.addresses.IPv4}/32 dev lo`, `addr add ${pod.addresses.IPv6}/128 dev lo nodad`]);
}

function nodeRoutes(topology: Topology): string[] {
  const { podCidrs, addresses } = topology.remoteNode;
  const { uplink } = topology.node;
  return (['IPv4', 'IPv6'] as const).flatMap((family) => [
    `route add ${podCidrs[family]} via ${addresses[family]}`,
    `route add default via ${NOBODY[family]}`,
    `neigh add ${NOBODY[family]} lladdr ${NOBODY.mac} dev ${uplink} nud permanent`,
  ]);
}

/** Runs lines of `ip -batch`, in this or a named network namespace. @throws {SluiceError} `lab-failed` with the line that `ip` refused. */
export async function ipBatch(runner: CommandRunner, lines: readonly string[], netns?: string): Promise<void> {
  const args = [...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'];
  const { exitCode, stderr } = await runner.run('ip', args, { input: `${lines.join('\n')}\n` });
  if (exitCode === 0) return;
  const lineNumber = Number(/Command failed -:(\d+)/.exec(stderr)?.[1] ?? 0);
  const command = ['ip', ...args.slice(0, -2), lines[lineNumber - 1] ?? '-batch'].join(' ');
  throw new SluiceError({
    code: 'lab-failed',
    message: `cannot build the lab: ${command}: ${stderr.trim().split('\n')[0] ?? ''}`,
    data: { command, exitCode, stderr },
  });
}

/** The default reaches over the ports that probes are told to use, and one that is taken is a fault of the lab. */
async function setPortRange(runner: CommandRunner): Promise<void> {
  const { name, value } = PORT_RANGE;
  await writeSysctl(name, value);
  const args = ['-all', 'netns', 'exec', 'sh', '-c', `echo ${value} > /proc/sys/${name}`];
  const { exitCode, stderr } = await runner.run('ip', args);
  if (exitCode === 0) return;
  throw new SluiceError({ code: 'lab-failed', message: 'cannot set the range of local ports', data: { stderr } });
}

async function writeSysctl(name: string, value: string): Promise<void> {
  const file = `/proc/sys/${name}`;
  try {
    if ((await readFile(file, 'utf8')).trim() !== value) await writeFile(file, value);
  } catch (cause) {
    throw new SluiceError({
      code: 'lab-failed',
      message: `cannot set ${name.replaceAll('/', '.')} to ${value}`,
      cause,
    });
  }
}

async function writeSysctlIfThere(name: string, value: string): Promise<boolean> {
  try {
    await writeFile(`/proc/sys/${name}`, value);
    return true;
  } catch {
    return false;
  }
}
