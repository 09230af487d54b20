import type { IpAddress, IpFamily } from '../../model/address.ts';
import { familyOf, parseIpAddress, socketAddress } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import type { ObjectId } from '../rules.ts';
import type { Table } from '../xtables/names.ts';

/** The dummy device, always down, whose addresses make the node take packets for Services as its own. */
export const DEVICE = 'kube-ipvs0';

/** The object whose members are virtual servers: {@link serverKey} → {@link file://./servers.ts} lines. */
export const VIRTUAL_SERVERS: ObjectId = 'virtual-servers';

/** The object whose members are the addresses of {@link DEVICE}. */
export const ADDRESSES: ObjectId = 'addresses';

/** Chains by kube-proxy's names; the last four are ours. */
export const CHAINS = {
  services: 'KUBE-SERVICES',
  loadBalancer: 'KUBE-LOAD-BALANCER',
  nodePort: 'KUBE-NODE-PORT',
  postrouting: 'KUBE-POSTROUTING',
  markMasq: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  sourceRanges: 'KUBE-SOURCE-RANGES-FIREWALL',
  filter: 'KUBE-IPVS-FILTER',
  /** kube-proxy has it in the table filter, with a rule per Service. */
  outFilter: 'KUBE-IPVS-OUT-FILTER',
  outside: 'KUBE-IPVS-OUTSIDE',
  mark: 'KUBE-IPVS-MARK',
  unmark: 'KUBE-IPVS-UNMARK',
} as const;

const OWN_CHAINS: Readonly<Record<Table, readonly string[]>> = {
  filter: [
    CHAINS.forward,
    CHAINS.nodePort,
    CHAINS.proxyFirewall,
    CHAINS.sourceRanges,
    CHAINS.filter,
    CHAINS.outFilter,
    CHAINS.outside,
  ],
  nat: [CHAINS.services, CHAINS.loadBalancer, CHAINS.nodePort, CHAINS.postrouting, CHAINS.markMasq],
  mangle: [CHAINS.mark, CHAINS.unmark, CHAINS.outFilter, CHAINS.sourceRanges],
};

/** Is the chain ours, or kube-proxy's in its ipvs mode, by its name? */
export function isOwnChain(table: Table, chain: string): boolean {
  return OWN_CHAINS[table].includes(chain);
}

/** An ipset as it is declared; names without the prefix of the family. */
export interface SetKind {
  readonly name: string;
  readonly type: 'hash:ip' | 'hash:ip,port' | 'hash:ip,port,ip' | 'hash:ip,port,net' | 'bitmap:port';
  /** What entries carry beside the key. */
  readonly extension?: 'comment' | 'comment skbinfo';
}

/**
 * Every ipset there is, in the order in which entries are added: what lets packets pass before what stops them, and exceptions
 * before their rule. They leave in the opposite order. Names and types are kube-proxy's (section 3.3.3 of the reference);
 * those with an extension, the two of drops and the one of node addresses are ours.
 */
export const SETS = {
  names: { name: 'SERVICE-NAMES', type: 'hash:ip,port', extension: 'comment' },
  loopBack: { name: 'LOOP-BACK', type: 'hash:ip,port,ip' },
  sourceCidr: { name: 'LOAD-BALANCER-SOURCE-CIDR', type: 'hash:ip,port,net' },
  sourceIp: { name: 'LOAD-BALANCER-SOURCE-IP', type: 'hash:ip,port,ip' },
  firewall: { name: 'LOAD-BALANCER-FW', type: 'hash:ip,port' },
  loadBalancerLocal: { name: 'LOAD-BALANCER-LOCAL', type: 'hash:ip,port' },
  externalIpLocal: { name: 'EXTERNAL-IP-LOCAL', type: 'hash:ip,port' },
  nodePortLocalTcp: { name: 'NODE-PORT-LOCAL-TCP', type: 'bitmap:port' },
  nodePortLocalUdp: { name: 'NODE-PORT-LOCAL-UDP', type: 'bitmap:port' },
  nodePortLocalSctp: { name: 'NODE-PORT-LOCAL-SCTP-HASH', type: 'hash:ip,port' },
  drop: { name: 'DROP', type: 'hash:ip,port' },
  dropOutside: { name: 'DROP-OUTSIDE', type: 'hash:ip,port' },
  clusterIp: { name: 'CLUSTER-IP', type: 'hash:ip,port' },
  loadBalancer: { name: 'LOAD-BALANCER', type: 'hash:ip,port' },
  externalIp: { name: 'EXTERNAL-IP', type: 'hash:ip,port' },
  nodePortTcp: { name: 'NODE-PORT-TCP', type: 'bitmap:port' },
  nodePortUdp: { name: 'NODE-PORT-UDP', type: 'bitmap:port' },
  nodePortSctp: { name: 'NODE-PORT-SCTP-HASH', type: 'hash:ip,port' },
  nodePortIps: { name: 'NODE-PORT-IPS', type: 'hash:ip' },
  healthCheck: { name: 'HEALTH-CHECK-NODE-PORT', type: 'bitmap:port' },
  shortCut: { name: 'SHORT-CUT', type: 'hash:ip,port', extension: 'comment skbinfo' },
  ips: { name: 'IPVS-IPS', type: 'hash:ip' },
} as const satisfies Record<string, SetKind>;

export type SetName = keyof typeof SETS;

export const SET_NAMES = Object.keys(SETS) as readonly SetName[];

/** Longer names are cut, as kube-proxy cuts them. */
const SET_NAME_LIMIT = 31;

const PREFIX = { IPv4: 'KUBE-', IPv6: 'KUBE-6-' } as const satisfies Record<IpFamily, string>;

/** `KUBE-CLUSTER-IP`, `KUBE-6-CLUSTER-IP`. */
export function setName(family: IpFamily, name: SetName): string {
  return (PREFIX[family] + SETS[name].name).slice(0, SET_NAME_LIMIT);
}

/** Holds the new content of a set that has to be declared differently, until the two change places. */
export function swapSetName(family: IpFamily): string {
  return `${PREFIX[family]}SWAP`;
}

export function setId(family: IpFamily, name: SetName): ObjectId {
  return `set ${setName(family, name)}`;
}

/** The name of the ipset that the object is; `undefined` for other objects. */
export function setOfObject(id: ObjectId): string | undefined {
  return id.startsWith('set ') ? id.slice('set '.length) : undefined;
}

/** As many destinations as kube-proxy has room for: a set with more room would be in its way when it comes back. */
const MAX_ELEMENTS = 65_536;
/** Of sets that kube-proxy does not know. */
const MAX_OWN_ELEMENTS = 1_048_576;

/** What follows the name in the `create` line of an ipset, without what the kernel chooses as the set grows. */
export function setDefinition(family: IpFamily, kind: SetKind): string {
  if (kind.type === 'bitmap:port') return 'bitmap:port range 0-65535';
  const { extension } = kind;
  const own = extension === undefined ? '' : ` ${extension}`;
  const limit = extension === undefined ? MAX_ELEMENTS : MAX_OWN_ELEMENTS;
  return `${kind.type} family ${family === 'IPv4' ? 'inet' : 'inet6'} maxelem ${limit}${own}`;
}

/** `10.96.0.1,tcp:80`, the key of a destination in ipsets. */
export function setKey(protocol: Protocol, address: IpAddress, port: number): string {
  return `${address},${protocol}:${port}`;
}

const SERVICE_OPTION = { tcp: '-t', udp: '-u', sctp: '--sctp-service' } as const satisfies Record<Protocol, string>;

/** `-t 10.96.0.1:80`: a virtual server as ipvsadm names it. */
export function serverKey(protocol: Protocol, address: IpAddress, port: number): string {
  return `${SERVICE_OPTION[protocol]} ${socketAddress(address, port)}`;
}

/** `-f 10.96.0.1,tcp:80`: the virtual server of a short cut, named after the first destination that it is for. */
export function shortCutKey(name: string): string {
  return `-f ${name}`;
}

/** The name in a {@link shortCutKey}; `undefined` for other keys. */
export function shortCutOf(key: string): string | undefined {
  return /^-f (\S+,\w+:\d+)$/.exec(key)?.[1];
}

/** `-f 1234`: the same as ipvsadm has it. */
export function markKey(family: IpFamily, mark: number): string {
  return family === 'IPv6' ? `-f ${mark} -6` : `-f ${mark}`;
}

/** What a key of a virtual server says. */
export type ServerKey =
  | { readonly protocol: Protocol; readonly address: IpAddress; readonly port: number }
  | { readonly mark: number; readonly family: IpFamily };

/** What ipvsadm calls a virtual server; `undefined` for what it does not. */
export function parseServerKey(key: string): ServerKey | undefined {
  const [option = '', target = '', flag] = key.split(' ');
  if (option === '-f') return { mark: Number(target), family: flag === '-6' ? 'IPv6' : 'IPv4' };
  const protocol = (['tcp', 'udp', 'sctp'] as const).find((name) => SERVICE_OPTION[name] === option);
  const [, bare, bracketed, port] = /^(?:([^[\]]+)|\[([^[\]]+)\]):(\d+)$/.exec(target) ?? [];
  const address = parseIpAddress(bare ?? bracketed ?? '');
  if (protocol === undefined || address === undefined) return undefined;
  return { protocol, address, port: Number(port) };
}

export function familyOfServer(key: ServerKey): IpFamily {
  return 'mark' in key ? key.family : familyOf(key.address);
}
