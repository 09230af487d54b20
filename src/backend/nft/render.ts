import type { IpFamily } from '../../model/address.ts';
import type { ObjectShape, Spelling } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import { baseRules, wordsOf } from './base.ts';
import type { PoolMap, SetName } from './names.ts';
import { CHAINS, POOL_MAPS, SETS } from './names.ts';
import { poolKey, serviceRules } from './service.ts';
import { tracesOf } from './traces.ts';

/** Hook and priority of the base chains, as numbers: nft prints some of them as names that differ between versions. */
const BASE_CHAINS: Readonly<Record<string, string>> = {
  [CHAINS.sourceRangesIn]: 'type filter hook prerouting priority -110; policy accept;',
  [CHAINS.sourceRangesOut]: 'type filter hook output priority -110; policy accept;',
  [CHAINS.filterInput]: 'type filter hook input priority 0; policy accept;',
  [CHAINS.filterForward]: 'type filter hook forward priority 0; policy accept;',
  [CHAINS.filterOutput]: 'type filter hook output priority 0; policy accept;',
  [CHAINS.natPrerouting]: 'type nat hook prerouting priority -100; policy accept;',
  [CHAINS.natOutput]: 'type nat hook output priority -100; policy accept;',
  [CHAINS.natPostrouting]: 'type nat hook postrouting priority 100; policy accept;',
};

/** Sets of clients are filled by packets, not by us: to the rule set they are objects without members. */
const CLIENTS_DEFINITION = (address: string): string => `type ${address}; size 65535; flags dynamic,timeout;`;

function setDefinitions(family: IpFamily): Readonly<Record<SetName, string>> {
  const address = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const verdicts = `type ${address} . inet_proto . inet_service : verdict;`;
  const nodePortVerdicts = 'type inet_proto . inet_service : verdict;';
  return {
    [SETS.serviceIps]: verdicts,
    [SETS.serviceIpsOutside]: verdicts,
    [SETS.serviceNodePorts]: nodePortVerdicts,
    [SETS.serviceNodePortsOutside]: nodePortVerdicts,
    [SETS.noEndpoints]: `type ${address} . inet_proto . inet_service;`,
    [SETS.noEndpointsNodePorts]: 'type inet_proto . inet_service;',
    [SETS.firewalled]: `type ${address} . inet_proto . inet_service;`,
    [SETS.allowedSources]: `type ${address} . inet_proto . inet_service . ${address}; flags interval;`,
    [SETS.clusterIps]: `type ${address};`,
    [SETS.nodePortIps]: `type ${address};`,
    [SETS.hairpin]: `type ${address} . ${address};`,
    [SETS.masqueradeIps]: verdicts,
    [SETS.masqueradeNodePorts]: nodePortVerdicts,
  };
}

const SET_DEFINITIONS = { IPv4: setDefinitions('IPv4'), IPv6: setDefinitions('IPv6') };

/**
 * Pools are the data of DNAT. `typeof` is the only spelling that has a type for the slot, a random number; its modulus there
 * means nothing. One map per protocol, and a protocol in the data's type, because nft 1.0.6 cannot add a rule that uses a
 * map whose data says `th dport` once the map is in the kernel ("conflicting protocols specified: ip vs. th"), and reads
 * `tcp dport` as a match on TCP.
 */
function poolMapDefinition(family: IpFamily, { protocol, at }: PoolMap): string {
  const { ip } = wordsOf(family);
  return `typeof ${poolKey(family, protocol, at)} . numgen random mod 65536 : ${ip} daddr . ${protocol} dport;`;
}

/** Verdict maps that send packets to pools: the last thing to be written, so that what they lead to is there. */
export function leadsToEndpoints(set: string): boolean {
  return (
    set === SETS.serviceIps ||
    set === SETS.serviceIpsOutside ||
    set === SETS.serviceNodePorts ||
    set === SETS.serviceNodePortsOutside
  );
}

/** A set of ranges, which must not overlap. */
export function isIntervalSet(set: string): boolean {
  return set === SETS.allowedSources;
}

/** Is this a set that packets fill? */
export function isClientSet(name: string): boolean {
  return name.startsWith('clients-');
}

function shapeOf(family: IpFamily, id: ObjectId): ObjectShape {
  const [kind, name = ''] = id.split(' ');
  if (kind === 'chain') return { ordered: true, definition: BASE_CHAINS[name] ?? '' };
  if (isClientSet(name))
    return { ordered: true, definition: CLIENTS_DEFINITION(family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr') };
  const pools = POOL_MAPS.get(name);
  const definition = pools === undefined ? SET_DEFINITIONS[family][name as SetName] : poolMapDefinition(family, pools);
  return { ordered: false, definition };
}

/** The flat layout (README.md): data in a few shared maps, no chain per Service unless it has session affinity. */
export const nftSpelling: Spelling = {
  shape: shapeOf,
  base: baseRules,
  service: serviceRules,
  traces: tracesOf,
};
