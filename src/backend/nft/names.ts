import { createHash } from 'node:crypto';
import type { IpFamily } from '../../model/address.ts';
import type { PoolName, ServicePlan, Target } from '../../compiler/plan.ts';
import { socketAddress } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import { PROTOCOLS } from '../../model/service.ts';

/** Our table; there is one in family `ip` and one in `ip6`, and nothing of ours is anywhere else. */
export const TABLE = 'sluice';

/** The table of kube-proxy's nftables mode, taken over by a first sync. */
export const KUBE_PROXY_TABLE = 'kube-proxy';

/** How nft spells a family in `table ip`, `ip daddr` and `dnat ip to`. */
export const NFT_FAMILY = { IPv4: 'ip', IPv6: 'ip6' } as const satisfies Record<IpFamily, string>;

/** Chains that every node has. */
export const CHAINS = {
  /** Source ranges, before DNAT. */
  sourceRangesIn: 'source-ranges-in',
  sourceRangesOut: 'source-ranges-out',
  filterInput: 'filter-input',
  filterForward: 'filter-forward',
  filterOutput: 'filter-output',
  natPrerouting: 'nat-prerouting',
  natOutput: 'nat-output',
  natPostrouting: 'nat-postrouting',
  /** NodePorts of packets that came in from a wire or a pod. */
  nodePortsIn: 'nodeports-in',
  masquerading: 'masquerading',
  masqueradeAlways: 'masquerade-always',
  masqueradeNode: 'masquerade-node',
} as const;

/** Sets and maps that every node has, besides {@link POOL_MAPS}; their keys are described in the backend's README. */
export const SETS = {
  serviceIps: 'service-ips',
  serviceIpsOutside: 'service-ips-outside',
  serviceNodePorts: 'service-nodeports',
  serviceNodePortsOutside: 'service-nodeports-outside',
  noEndpoints: 'no-endpoints',
  noEndpointsNodePorts: 'no-endpoints-nodeports',
  firewalled: 'firewalled',
  allowedSources: 'allowed-sources',
  clusterIps: 'cluster-ips',
  nodePortIps: 'nodeport-ips',
  hairpin: 'hairpin',
  masqueradeIps: 'masquerade-ips',
  masqueradeNodePorts: 'masquerade-nodeports',
} as const;

export type SetName = (typeof SETS)[keyof typeof SETS];

export function chainId(name: string): string {
  return `chain ${name}`;
}

export function setId(name: string): string {
  return `set ${name}`;
}

/** Destinations are keyed by address and port, or, for NodePorts, by port alone. */
export type PlaceKind = 'ip' | 'nodeport';

/** What is picked from: endpoints of one protocol (see render.ts for why not of all), for one kind of destination, of one pool. */
export interface PoolMap {
  readonly name: string;
  readonly protocol: Protocol;
  readonly at: PlaceKind;
}

/** `tcp-endpoints`, `udp-nodeport-endpoints-local`, … */
export function poolMap(protocol: Protocol, at: PlaceKind, pool: PoolName): string {
  return `${protocol}-${at === 'ip' ? '' : 'nodeport-'}endpoints${pool === 'local' ? '-local' : ''}`;
}

export const POOL_MAPS: ReadonlyMap<string, PoolMap> = new Map(
  PROTOCOLS.flatMap((protocol) =>
    (['ip', 'nodeport'] as const).flatMap((at) =>
      (['cluster', 'local'] as const).map((pool) => {
        const name = poolMap(protocol, at, pool);
        return [name, { name, protocol, at }] as const;
      }),
    ),
  ),
);

/** The chain that picks one of so many slots for the destination of the packet: `tcp-cluster-3`, `udp-nodeport-local-1`. */
export function poolChain(protocol: Protocol, at: PlaceKind, pick: { pool: PoolName; slots: number }): string {
  return `${protocol}-${at === 'ip' ? '' : 'nodeport-'}${pick.pool}-${pick.slots}`;
}

/** 16 characters of base32(SHA-256): 80 bits, the length that kube-proxy uses for iptables chains. */
function hash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let name = '';
  for (let shift = 75n; shift >= 0n; shift -= 5n) name += BASE32[Number((bits >> shift) & 31n)];
  return name;
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** The chain of one pool of a Service with session affinity. */
export function affinityPoolChain(service: ServicePlan, pool: PoolName): string {
  return `affinity-${pool}-${hash(service.key)}`;
}

/** The set that remembers clients of an endpoint, and the chain that leads there, share this suffix. */
export function affinityEndpoint(
  service: ServicePlan,
  target: Target,
): { readonly set: string; readonly chain: string } {
  const id = hash(`${service.key} ${socketAddress(target.address, target.port)}`);
  return { set: `clients-${id}`, chain: `endpoint-${id}` };
}

const AFFINITY_CHAIN = /^affinity-(cluster|local)-[a-z2-7]+$/;

/** The pool that a chain of a Service with affinity serves; `undefined` for other chains. */
export function affinityChainPool(chain: string): PoolName | undefined {
  return AFFINITY_CHAIN.exec(chain)?.[1] as PoolName | undefined;
}
