import { SluiceError } from '../base/errors.ts';
import type { IpFamily } from '../model/address.ts';

/** One text per address family: addresses or networks. */
export type DualStack = Readonly<Record<IpFamily, string>>;

export interface LabPod {
  /** Also the name of its origin in {@link Lab.at}. */
  readonly name: string;
  readonly nodeName: string;
  readonly zone: string;
  readonly addresses: DualStack;
  /** The network namespace it lives in: its own for a pod of this node, `remote` for a pod of the other one. */
  readonly netns: string;
}

export interface LabNode {
  readonly name: string;
  readonly zone: string;
  /** Its InternalIP. */
  readonly addresses: DualStack;
  readonly podCidrs: DualStack;
}

/** The lab's small world as plain data, for manifests and expectations; see {@link planTopology} for the drawing. */
export interface Topology {
  /** The node that sluice runs on: the process's own network namespace. */
  readonly node: LabNode & {
    /** Address of the bridge: what a local pod sees as the source of node traffic and of masqueraded connections. */
    readonly bridgeAddresses: DualStack;
    /** The node's address towards the other node: what a remote pod sees as the source of masqueraded connections. */
    readonly peerAddresses: DualStack;
    /** Interface of the local pods. */
    readonly bridge: string;
    /** Interface towards the outside. */
    readonly uplink: string;
    /** Interface towards the other node. */
    readonly peerLink: string;
  };
  readonly remoteNode: LabNode;
  /** A client that belongs to no cluster. */
  readonly outside: { readonly addresses: DualStack };
  /** The local pods, then the remote ones. */
  readonly pods: readonly LabPod[];
  /** What kube-proxy calls clusterCIDR. */
  readonly clusterCidrs: DualStack;
  readonly serviceCidrs: DualStack;
  /** Ranges for `spec.externalIPs` and for load balancer addresses: routed to the node from everywhere. */
  readonly externalCidrs: DualStack;
  readonly loadBalancerCidrs: DualStack;
}

export interface TopologyOptions {
  /** Names of the pods on this node. Default `pod-a` to `pod-d`. */
  readonly pods?: readonly string[];
  /** Names of the pods on the other node. Default `remote-a` to `remote-d`. */
  readonly remotePods?: readonly string[];
}

/** Origins that are no pods. */
const RESERVED_NAMES = ['node', 'outside', 'remote'] as const;

const MAX_PODS_PER_NODE = 200;
const POD_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * Hands out names and addresses:
 *
 * ```
 *   outside 172.18.0.100 ── eth0 172.18.0.2 ┌──────┐ cni0 10.244.1.1 ──┬── pod-a 10.244.1.10
 *                                           │ node │                   ├── pod-b 10.244.1.11
 *   remote  172.19.0.3 ──── eth1 172.19.0.2 └──────┘                   └── …
 *     └ lo: remote-a 10.244.2.10, remote-b 10.244.2.11, …
 * ```
 *
 * IPv6 is alike, `fd00:` in front: fd00:172:18::2, fd00:10:244:1::10. Everything that leaves `remote` or `outside` goes
 * through the node, so replies that were not masqueraded come back through it too: tests see a missing masquerade by
 * the source address, not by a lost reply.
 *
 * @throws {SluiceError} `lab-failed` for names that are taken, reserved or no DNS labels, and for more than 200 pods
 *   per node.
 */
export function planTopology(options: TopologyOptions = {}): Topology {
  const local = options.pods ?? ['pod-a', 'pod-b', 'pod-c', 'pod-d'];
  const remote = options.remotePods ?? ['remote-a', 'remote-b', 'remote-c', 'remote-d'];
  checkNames(local, remote);
  const node = { name: 'node-1', zone: 'zone-a', netns: undefined, subnet: 1 };
  const remoteNode = { name: 'node-2', zone: 'zone-b', netns: 'remote', subnet: 2 };
  const pods = (on: typeof node | typeof remoteNode, names: readonly string[]): LabPod[] =>
    names.map((name, i) => ({
      name,
      nodeName: on.name,
      zone: on.zone,
      addresses: { IPv4: `10.244.${on.subnet}.${10 + i}`, IPv6: `fd00:10:244:${on.subnet}::${10 + i}` },
      netns: on.netns ?? name,
    }));
  return {
    node: {
      name: node.name,
      zone: node.zone,
      addresses: { IPv4: '172.18.0.2', IPv6: 'fd00:172:18::2' },
      podCidrs: { IPv4: '10.244.1.0/24', IPv6: 'fd00:10:244:1::/64' },
      bridgeAddresses: { IPv4: '10.244.1.1', IPv6: 'fd00:10:244:1::1' },
      peerAddresses: { IPv4: '172.19.0.2', IPv6: 'fd00:172:19::2' },
      bridge: 'cni0',
      uplink: 'eth0',
      peerLink: 'eth1',
    },
    remoteNode: {
      name: remoteNode.name,
      zone: remoteNode.zone,
      addresses: { IPv4: '172.19.0.3', IPv6: 'fd00:172:19::3' },
      podCidrs: { IPv4: '10.244.2.0/24', IPv6: 'fd00:10:244:2::/64' },
    },
    outside: { addresses: { IPv4: '172.18.0.100', IPv6: 'fd00:172:18::100' } },
    pods: [...pods(node, local), ...pods(remoteNode, remote)],
    clusterCidrs: { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/48' },
    serviceCidrs: { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' },
    externalCidrs: { IPv4: '198.51.100.0/24', IPv6: '2001:db8:100::/64' },
    loadBalancerCidrs: { IPv4: '192.0.2.0/24', IPv6: '2001:db8:2::/64' },
  };
}

function checkNames(local: readonly string[], remote: readonly string[]): void {
  const seen = new Set<string>(RESERVED_NAMES);
  for (const name of [...local, ...remote]) {
    if (seen.has(name) || !POD_NAME.test(name)) {
      const why = POD_NAME.test(name) ? 'is taken' : 'is no DNS label';
      throw new SluiceError({
        code: 'lab-failed',
        message: `cannot name a pod of the lab ${JSON.stringify(name)}: the name ${why}`,
      });
    }
    seen.add(name);
  }
  if (local.length > MAX_PODS_PER_NODE || remote.length > MAX_PODS_PER_NODE) {
    throw new SluiceError({ code: 'lab-failed', message: `a lab has at most ${MAX_PODS_PER_NODE} pods per node` });
  }
}
