import { hash } from 'node:crypto';
import { socketAddress } from '../../model/address.ts';
import type { ServicePlan, Target } from '../../compiler/plan.ts';
import type { Table } from '../xtables/names.ts';

/** Chains by kube-proxy's names, so that `iptables-save | grep` habits and the take-over in place work. */
export const CHAINS = {
  services: 'KUBE-SERVICES',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  nodePorts: 'KUBE-NODEPORTS',
  postrouting: 'KUBE-POSTROUTING',
  markMasq: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  /**
   * Keeps NodePorts on 127.0.0.1 from opening the node's own loopback to its neighbours (rule N5). kube-proxy has the rule in
   * KUBE-FIREWALL, which it shares with kubelet so that nobody can ever remove it; a chain of our own can be.
   */
  localnet: 'KUBE-PROXY-LOCALNET',
  /** Everything under `KUBE-SEP-`, `KUBE-SVC-`, … in nat is removed by a kube-proxy that takes over again; hence this name. */
  hairpin: 'KUBE-SEP-HAIRPIN',
  /** Not ours, but left behind by kube-proxy. */
  canary: 'KUBE-PROXY-CANARY',
} as const;

/** Chains that built-in chains jump to, and other single ones. */
const NAMED_CHAINS: Readonly<Record<Table, readonly string[]>> = {
  filter: [
    CHAINS.services,
    CHAINS.externalServices,
    CHAINS.nodePorts,
    CHAINS.forward,
    CHAINS.proxyFirewall,
    CHAINS.localnet,
    CHAINS.canary,
  ],
  nat: [CHAINS.services, CHAINS.nodePorts, CHAINS.postrouting, CHAINS.markMasq, CHAINS.canary],
  mangle: [CHAINS.canary],
};

/** kube-proxy's prefixes of chains per Service; the buckets' names begin with them too. */
const SERVICE_CHAIN = /^KUBE-(?:SVC|SVL|EXT|FW|SEP)-/;

/** Is the chain ours or kube-proxy's by its name? kubelet's chains and everybody else's are not. */
export function isOwnChain(table: Table, chain: string): boolean {
  return NAMED_CHAINS[table].includes(chain) || (table !== 'mangle' && SERVICE_CHAIN.test(chain));
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** kube-proxy's chain hash: the first 16 characters of the base32 (RFC 4648) of the SHA-256 of the text. */
export function chainHash(text: string): string {
  const bytes = hash('sha256', text, 'buffer');
  let result = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes.subarray(0, 10)) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) result += BASE32[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return result;
}

export type ServiceChainPrefix = 'KUBE-SVC-' | 'KUBE-SVL-' | 'KUBE-EXT-' | 'KUBE-FW-';

type Named = Pick<ServicePlan, 'name' | 'protocol'>;

export function serviceChain(prefix: ServiceChainPrefix, service: Named): string {
  return prefix + chainHash(service.name + service.protocol);
}

/** For a second chain of one kind, where the destinations of one service port differ in what `what` names. */
export function variantChain(prefix: ServiceChainPrefix, service: Named, what: string): string {
  return prefix + chainHash(`${service.name}${service.protocol} ${what}`);
}

export function endpointChain(service: Named, target: Pick<Target, 'address' | 'port'>): string {
  return `KUBE-SEP-${chainHash(service.name + service.protocol + socketAddress(target.address, target.port))}`;
}
