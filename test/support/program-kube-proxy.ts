import { readFileSync } from 'node:fs';
import type { Variant } from '../../src/backend/xtables/variant.ts';
import type { UntypedObject } from '../../src/lab/api/api-upstream.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { iptables, nft } from './program-machine.ts';
import type { ProgramService } from './program-objects.ts';
import { loadBalancerIp, NODE_OBJECT, objectsOf, TOPOLOGY } from './program-objects.ts';

const WEB = { name: 'web', id: 10, pods: ['pod-b', 'pod-c', 'remote-a'] };

const STICKY = {
  name: 'sticky',
  id: 11,
  pods: ['pod-c', 'remote-a', 'remote-b'],
  protocols: ['tcp'],
  // kube-proxy trusts the API server to have filled in the default.
  spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } },
} as const satisfies ProgramService;

/** A load balancer for clients of some networks, which goes to local endpoints only. */
const EDGE = {
  name: 'edge',
  id: 12,
  pods: ['pod-d', 'remote-b'],
  protocols: ['tcp'],
  spec: {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 31_012,
    loadBalancerSourceRanges: ['10.244.0.0/16', '172.18.0.0/16', 'fd00:10:244::/48', 'fd00:172:18::/64'],
  },
  status: { loadBalancer: { ingress: IP_FAMILIES.map((family) => ({ ip: loadBalancerIp({ id: 12 }, family) })) } },
} as const satisfies ProgramService;

const EMPTY = { name: 'empty', id: 13, pods: [], protocols: ['tcp'] } as const satisfies ProgramService;

/** The Services that the files in test/support/kube-proxy are for. */
export const KUBE_PROXY_SERVICES = { WEB, STICKY, EDGE, EMPTY };

/** The same for a real kube-proxy: what its API server has, and how it knows pods. */
export const KUBE_PROXY_CLUSTER = {
  configuration: { clusterCIDR: Object.values(TOPOLOGY.clusterCidrs).join(',') },
  objects: [NODE_OBJECT, ...Object.values(KUBE_PROXY_SERVICES).flatMap(objectsOf)] as readonly UntypedObject[],
};

/** Writes what kube-proxy in nftables mode would have written. */
export async function writeKubeProxyTables(): Promise<void> {
  for (const family of IP_FAMILIES) await nft(fixture('nftables', family));
}

/** Writes what kube-proxy in iptables mode would have written. */
export async function writeKubeProxyChains(variant: Variant): Promise<void> {
  for (const family of IP_FAMILIES) await iptables(variant, family, fixture('iptables', family));
}

function fixture(mode: 'nftables' | 'iptables', family: IpFamily): string {
  return readFileSync(new URL(`./kube-proxy/${mode}.${family.toLowerCase()}.txt`, import.meta.url), 'utf8');
}
