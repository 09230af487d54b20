import type { IpFamily } from '../../model/address.ts';
import { isLoopback } from '../../model/address.ts';
import type { NodePlan, Plan } from '../../compiler/plan.ts';
import type { Piece } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import { CHAINS, chainId, NFT_FAMILY, POOL_MAPS, SETS, setId } from './names.ts';

/** What differs between the two families in the text of rules. */
interface Words {
  readonly ip: 'ip' | 'ip6';
  /** `ip daddr . meta l4proto . th dport`: the key of everything that has an address. */
  readonly destination: string;
  /** The same of the packet as the client sent it, for after DNAT. */
  readonly originalDestination: string;
  readonly loopback: string;
}

export function wordsOf(family: IpFamily): Words {
  const ip = NFT_FAMILY[family];
  return {
    ip,
    destination: `${ip} daddr . meta l4proto . th dport`,
    originalDestination: `ct original ${ip} daddr . meta l4proto . ct original proto-dst`,
    loopback: family === 'IPv4' ? '127.0.0.0/8' : '::1',
  };
}

/** Rules that do not depend on any Service, in the text that `nft list` prints for them. */
export function baseRules(plan: Plan): { readonly pieces: readonly Piece[]; readonly objects: readonly ObjectId[] } {
  const chains = new Map<string, readonly string[]>([
    ...filterChains(plan),
    ...natChains(plan),
    ...masqueradeChains(plan),
  ]);
  const { nodePortAddresses } = plan.node;
  const nodePortIps =
    nodePortAddresses.kind === 'listed' ? nodePortAddresses.addresses.filter((a) => !isLoopback(a)) : [];
  return {
    pieces: [
      ...[...chains].flatMap(([name, lines]) =>
        lines.map((line, i) => ({ object: chainId(name), key: orderKey(i), lines: [line] })),
      ),
      ...nodePortIps.map((address) => ({ object: setId(SETS.nodePortIps), key: address, lines: [] })),
    ],
    objects: [...[...chains.keys()].map(chainId), ...[...Object.values(SETS), ...POOL_MAPS.keys()].map(setId)],
  };
}

/** Keys of ordered pieces sort as text. */
export function orderKey(index: number): string {
  return String(index).padStart(5, '0');
}

/** `ip saddr != 10.244.0.0/16 `, ready to be put before a match; empty when pods cannot be told from others. */
function notPod(node: NodePlan, words: Words): string {
  const { podDetector } = node;
  if (podDetector === undefined) return '';
  switch (podDetector.kind) {
    case 'cidr':
      return `${words.ip} saddr != ${podDetector.cidr} `;
    case 'bridge':
      return `iifname != "${podDetector.interfaceName}" `;
    case 'interface-prefix':
      return `iifname != "${podDetector.prefix}*" `;
  }
}

/**
 * The same question in postrouting has one more answer: a packet that was rewritten on its way through a bridge, from one of
 * its ports to another, has lost its input interface there (br_netfilter). It leaves by the bridge that it came in by, and
 * unlike the node's own packets, which never had an input interface, it has somebody else's source.
 */
function bridgedPod({ podDetector }: NodePlan): readonly string[] {
  switch (podDetector?.kind) {
    case undefined:
    case 'cidr':
      return [];
    case 'bridge':
      return [`iif 0 oifname "${podDetector.interfaceName}" fib saddr type != local`];
    case 'interface-prefix':
      return [`iif 0 oifname "${podDetector.prefix}*" fib saddr type != local`];
  }
}

/** `fib daddr type local …`: is the packet's destination an address that serves NodePorts? */
function toNodePortAddress(node: NodePlan, words: Words): string {
  return node.nodePortAddresses.kind === 'all'
    ? `${words.ip} daddr != ${words.loopback} fib daddr type local`
    : `${words.ip} daddr @${SETS.nodePortIps}`;
}

function filterChains({ family, node }: Plan): [string, readonly string[]][] {
  const words = wordsOf(family);
  const allowed = [
    `ct state new ${words.destination} @${SETS.firewalled} ${words.destination} . ${words.ip} saddr != @${SETS.allowedSources} drop`,
  ];
  const noEndpoints = `ct state new ${words.destination} @${SETS.noEndpoints} reject`;
  const unknownPorts = `ct state new ${words.ip} daddr @${SETS.clusterIps} reject`;
  const unallocated = node.serviceCidrs.map((cidr) => `ct state new ${words.ip} daddr ${cidr} drop`);
  const nodePorts = `ct state new ${toNodePortAddress(node, words)} meta l4proto . th dport @${SETS.noEndpointsNodePorts} reject`;
  return [
    [CHAINS.sourceRangesIn, allowed],
    [CHAINS.sourceRangesOut, allowed],
    [CHAINS.filterInput, [noEndpoints, nodePorts]],
    [CHAINS.filterForward, [noEndpoints, unknownPorts, ...unallocated]],
    [CHAINS.filterOutput, [noEndpoints, unknownPorts, ...unallocated]],
  ];
}

function natChains({ family, node }: Plan): [string, readonly string[]][] {
  const words = wordsOf(family);
  const outside = notPod(node, words);
  const nodePort = 'meta l4proto . th dport vmap';
  return [
    [
      CHAINS.natPrerouting,
      [
        `${outside}${words.destination} vmap @${SETS.serviceIpsOutside}`,
        `${words.destination} vmap @${SETS.serviceIps}`,
        `${toNodePortAddress(node, words)} goto ${CHAINS.nodePortsIn}`,
      ],
    ],
    [
      CHAINS.nodePortsIn,
      [`${outside}${nodePort} @${SETS.serviceNodePortsOutside}`, `${nodePort} @${SETS.serviceNodePorts}`],
    ],
    [
      CHAINS.natOutput,
      [
        `${words.destination} vmap @${SETS.serviceIps}`,
        `${toNodePortAddress(node, words)} ${nodePort} @${SETS.serviceNodePorts}`,
      ],
    ],
    [CHAINS.natPostrouting, [`ct status dnat jump ${CHAINS.masquerading}`]],
  ];
}

const MASQUERADE = 'masquerade fully-random';

/**
 * Source NAT, decided after DNAT from the destination that the client asked for; no packet marks. Interface matches work
 * here because Linux hands the input interface on to postrouting (since 5.7), but see {@link bridgedPod}.
 */
function masqueradeChains({ family, node }: Plan): [string, readonly string[]][] {
  const words = wordsOf(family);
  const others = notPod(node, words);
  const clusterIp = `ct original ${words.ip} daddr @${SETS.clusterIps}`;
  const clusterIpRules = {
    always: [`${clusterIp} ${MASQUERADE}`],
    'not-pod': [
      ...bridgedPod(node).map((match) => `${clusterIp} ${match} return`),
      `${clusterIp} ${others}${MASQUERADE}`,
      `${clusterIp} return`,
    ],
    never: [`${clusterIp} return`],
  } satisfies Record<NodePlan['clusterIpMasquerade'], string[]>;
  const transport = 'meta l4proto { tcp, udp, sctp }';
  return [
    [
      CHAINS.masquerading,
      [
        `${words.ip} saddr . ${words.ip} daddr @${SETS.hairpin} ${MASQUERADE}`,
        ...clusterIpRules[node.clusterIpMasquerade],
        // Every other destination with an address is in this map, if only to be let through: what is left are NodePorts.
        `${transport} ${words.originalDestination} vmap @${SETS.masqueradeIps}`,
        `${transport} meta l4proto . ct original proto-dst vmap @${SETS.masqueradeNodePorts}`,
      ],
    ],
    [CHAINS.masqueradeAlways, [MASQUERADE]],
    [CHAINS.masqueradeNode, [`${others}fib saddr type local ${MASQUERADE}`]],
  ];
}
