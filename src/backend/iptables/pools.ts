import type { PoolName, ServicePlan, Target } from '../../compiler/plan.ts';
import { familyOf, socketAddress } from '../../model/address.ts';
import type { Fragment, Piece } from '../assembly.ts';
import { addressLeaf } from './buckets.ts';
import { objectId } from '../xtables/names.ts';
import { CHAINS, endpointChain, serviceChain } from './names.ts';
import { comment, host, oneOf, rule } from '../xtables/text.ts';

export function poolChain(service: ServicePlan, pool: PoolName): string {
  return serviceChain(pool === 'cluster' ? 'KUBE-SVC-' : 'KUBE-SVL-', service);
}

export interface PoolInputs {
  readonly service: ServicePlan;
  readonly pool: PoolName;
  /** Rules that come before the choice of an endpoint. */
  readonly first: readonly string[];
}

/** The chain that picks an endpoint of a pool, and what it leads to. */
export function poolPieces({ service, pool, first }: PoolInputs): Fragment {
  const targets = service.pools[pool];
  const object = objectId('nat', poolChain(service, pool));
  if (service.affinityTimeoutS === undefined) {
    const picks = targets.map((target, i) => directPick(service, target, targets.length - i));
    return [{ object, key: '', lines: [...first, ...picks] }, ...targets.filter((t) => t.local).flatMap(hairpin)];
  }
  const remembered = targets.map((target) => rememberedPick(service, target, service.affinityTimeoutS ?? 0));
  const picks = targets.map((target, i) =>
    rule({}, arrow(service, target), oneOf(targets.length - i), `-j ${endpointChain(service, target)}`),
  );
  return [
    { object, key: '', lines: [...first, ...remembered, ...picks] },
    ...targets.map((target) => endpointPiece(service, target)),
  ];
}

function arrow(service: ServicePlan, target: Target): string {
  return comment(`${service.name} -> ${socketAddress(target.address, target.port)}`);
}

function translate(target: Target): string {
  return `-j DNAT --to-destination ${socketAddress(target.address, target.port)}`;
}

/** Without kube-proxy's comment, which it leaves out of large clusters too: it is a quarter of what the kernel has to check. */
function directPick({ protocol }: ServicePlan, target: Target, remaining: number): string {
  return rule({ protocol }, oneOf(remaining), translate(target));
}

const HAIRPIN_TREE = { table: 'nat', root: CHAINS.hairpin, prefix: 'KUBE-SEP-IP' } as const;

/**
 * A pod that reaches itself through its Service must see another source than itself, or it would answer past the node (rule
 * M6). Which endpoint was picked is known in POSTROUTING only. Endpoints elsewhere have no packets of their own to meet here.
 */
function hairpin({ address }: Target): Fragment {
  const leaf = addressLeaf(HAIRPIN_TREE, address, 'source');
  const head = { source: host(address), destination: host(address) };
  return [...leaf.path, { object: leaf.id, key: address, lines: [rule(head, `-j ${CHAINS.markMasq}`)] }];
}

/** The list of clients that went to an endpoint, kept by the `recent` match under the name of its chain. */
function recent(action: string, list: string, { address }: Target): string {
  const mask = familyOf(address) === 'IPv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
  return `-m recent ${action} --name ${list} --mask ${mask} --rsource`;
}

/** Rules A1 and A2. */
function rememberedPick(service: ServicePlan, target: Target, timeoutS: number): string {
  const chain = endpointChain(service, target);
  const check = recent(`--rcheck --seconds ${timeoutS} --reap`, chain, target);
  return rule({}, arrow(service, target), check, `-j ${chain}`);
}

/** Both pools of a Service share these chains, and with them the records of clients (rule A7). */
function endpointPiece(service: ServicePlan, target: Target): Piece {
  const chain = endpointChain(service, target);
  const name = comment(service.name);
  return {
    object: objectId('nat', chain),
    key: '',
    lines: [
      rule({ source: host(target.address) }, name, `-j ${CHAINS.markMasq}`),
      rule({ protocol: service.protocol }, name, recent('--set', chain, target), translate(target)),
    ],
  };
}
