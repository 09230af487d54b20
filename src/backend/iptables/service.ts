import type { AddressFrontend, Frontend, Plan, PoolName, ServicePlan, Verdict } from '../../compiler/plan.ts';
import type { IpFamily } from '../../model/address.ts';
import type { Fragment, Piece } from '../assembly.ts';
import type { DirectEntry } from './entries.ts';
import { destinationRule, directEntry, entryChain, entryPiece, forwards } from './entries.ts';
import type { BucketTree } from './buckets.ts';
import { addressLeaf, portLeaf, sortablePort } from './buckets.ts';
import { objectId } from '../xtables/names.ts';
import { CHAINS, serviceChain, variantChain } from './names.ts';
import { poolChain, poolPieces } from './pools.ts';
import { comment, destinationPort, rule } from '../xtables/text.ts';

const NAT_ADDRESSES: BucketTree = { table: 'nat', root: CHAINS.services, prefix: 'KUBE-SVC-IP' };
const NAT_NODE_PORTS: BucketTree = { table: 'nat', root: CHAINS.nodePorts, prefix: 'KUBE-EXT-NP' };
const NO_ENDPOINTS: BucketTree = { table: 'filter', root: CHAINS.services, prefix: 'KUBE-SVC-IP' };
const NO_ENDPOINTS_EXTERNAL: BucketTree = { table: 'filter', root: CHAINS.externalServices, prefix: 'KUBE-EXT-IP' };
const NO_ENDPOINTS_NODE_PORTS: BucketTree = { table: 'filter', root: CHAINS.externalServices, prefix: 'KUBE-EXT-NP' };
const HEALTH_CHECKS: BucketTree = { table: 'filter', root: CHAINS.nodePorts, prefix: 'KUBE-EXT-HC' };
const FIREWALL: BucketTree = { table: 'filter', root: CHAINS.proxyFirewall, prefix: 'KUBE-FW-IP' };

const KIND_WORDS = {
  'cluster-ip': 'cluster IP',
  'external-ip': 'external IP',
  'load-balancer': 'loadbalancer IP',
} as const satisfies Record<AddressFrontend['kind'], string>;

/** The rules of one service port. */
export function serviceRules(service: ServicePlan, plan: Plan): Fragment {
  const { detector, direct, verdicts } = { detector: plan.node.podDetector, ...entriesOf(service, plan) };
  const firewalls = new Firewalls(service);
  const pieces: Piece[] = [...poolChains(service, [...direct.values()])];
  for (const verdict of verdicts) {
    pieces.push(entryPiece(service, entryChain(service, verdicts, verdict), { verdict, detector }));
  }
  for (const frontend of service.frontends) {
    const entry = direct.get(frontend);
    if (forwards(frontend.verdict)) {
      const chain =
        entry === undefined ? entryChain(service, verdicts, frontend.verdict) : poolChain(service, entry.pool);
      pieces.push(...natEntry(service, frontend, firewalls.guard(frontend, chain)));
    }
    pieces.push(...refusal(service, frontend, plan.family));
  }
  return [...pieces, ...firewalls.pieces, ...healthCheck(service)];
}

/** Which frontends lead to a pool directly, and the verdicts that need a chain of their own. */
function entriesOf(
  service: ServicePlan,
  plan: Plan,
): { readonly direct: ReadonlyMap<Frontend, DirectEntry>; readonly verdicts: readonly Verdict[] } {
  const direct = new Map<Frontend, DirectEntry>();
  const verdicts = new Map<string, Verdict>();
  for (const frontend of service.frontends) {
    const entry = directEntry(service, frontend, plan.node.podDetector);
    if (entry !== undefined) direct.set(frontend, entry);
    else if (forwards(frontend.verdict)) verdicts.set(JSON.stringify(frontend.verdict), frontend.verdict);
  }
  return { direct, verdicts: [...verdicts.values()] };
}

/** A chain for each pool that a packet can be sent to. */
function poolChains(service: ServicePlan, direct: readonly DirectEntry[]): Fragment {
  const used = new Set<PoolName>();
  for (const { verdict } of service.frontends) {
    for (const action of [verdict.pod, verdict.node, verdict.outside]) {
      if (action.kind === 'forward') used.add(action.pool);
    }
  }
  return [...used].flatMap((pool) => {
    const first = direct.filter((entry) => entry.pool === pool).flatMap((entry) => entry.masquerade);
    return poolPieces({ service, pool, first });
  });
}

/** The rule that recognises the destination before DNAT, in its bucket. */
function natEntry(service: ServicePlan, frontend: Frontend, chain: string): Fragment {
  const { protocol, name } = service;
  if (frontend.kind === 'node-port') {
    const leaf = portLeaf(NAT_NODE_PORTS, { protocol, port: frontend.port });
    const line = rule({ protocol }, comment(name), destinationPort(protocol, frontend.port), `-j ${chain}`);
    return [...leaf.path, { object: leaf.id, key: nodePortKey(service, frontend), lines: [line] }];
  }
  const text = `${name} ${KIND_WORDS[frontend.kind]}`;
  return addressPieces(NAT_ADDRESSES, service, { frontend, text, target: `-j ${chain}` });
}

function addressPieces(
  tree: BucketTree,
  service: ServicePlan,
  entry: { readonly frontend: AddressFrontend; readonly text: string; readonly target: string },
): Fragment {
  const { frontend, text, target } = entry;
  const leaf = addressLeaf(tree, frontend.address, 'destination');
  const key = `${frontend.address} ${service.protocol} ${sortablePort(frontend.port)}`;
  return [...leaf.path, { object: leaf.id, key, lines: [destinationRule(service, frontend, { text, target })] }];
}

function nodePortKey(service: ServicePlan, frontend: Frontend): string {
  return `${service.protocol} ${sortablePort(frontend.port)}`;
}

/**
 * What happens to packets that were not sent to an endpoint and still carry the destination. Those of pods and of the node
 * that were sent to one carry it no longer, so the rule need not ask who is talking.
 */
function refusal(service: ServicePlan, frontend: Frontend, family: IpFamily): Fragment {
  const { outside } = frontend.verdict;
  if (outside.kind === 'forward') return [];
  const rejected = outside.kind === 'reject';
  const why = `${service.name} has no ${rejected ? '' : 'local '}endpoints`;
  const target = rejected
    ? `-j REJECT --reject-with ${family === 'IPv4' ? 'icmp' : 'icmp6'}-port-unreachable`
    : '-j DROP';
  if (frontend.kind === 'cluster-ip') return addressPieces(NO_ENDPOINTS, service, { frontend, text: why, target });
  if (frontend.kind !== 'node-port') {
    const text = `${why} (${KIND_WORDS[frontend.kind]})`;
    return addressPieces(NO_ENDPOINTS_EXTERNAL, service, { frontend, text, target });
  }
  const { protocol } = service;
  const { port } = frontend;
  const leaf = portLeaf(NO_ENDPOINTS_NODE_PORTS, { protocol, port, match: '-m addrtype --dst-type LOCAL' });
  const line = rule({ protocol }, comment(why), destinationPort(protocol, port), target);
  return [...leaf.path, { object: leaf.id, key: nodePortKey(service, frontend), lines: [line] }];
}

/** Rules L1 to L7: chains that let the allowed sources of a load balancer pass, and the drop of everybody else. */
class Firewalls {
  readonly #service: ServicePlan;
  readonly #chains = new Map<string, string>();
  readonly pieces: Piece[] = [];

  constructor(service: ServicePlan) {
    this.#service = service;
  }

  /** The chain that a destination's rule has to jump to instead of `next`, so that only its clients get there. */
  guard(frontend: Frontend, next: string): string {
    if (frontend.kind === 'node-port' || frontend.allowedSources === undefined) return next;
    const key = [next, ...frontend.allowedSources].join(' ');
    const chain = this.#chains.get(key) ?? this.#makeChain(key, frontend, next);
    const text = `${this.#service.name} traffic not accepted by ${chain}`;
    this.pieces.push(...addressPieces(FIREWALL, this.#service, { frontend, text, target: '-j DROP' }));
    return chain;
  }

  #makeChain(key: string, frontend: AddressFrontend, next: string): string {
    const service = this.#service;
    const isFirst = this.#chains.size === 0;
    const chain = isFirst ? serviceChain('KUBE-FW-', service) : variantChain('KUBE-FW-', service, frontend.address);
    this.#chains.set(key, chain);
    const text = comment(`${service.name} ${KIND_WORDS[frontend.kind]}`);
    const allowed = (frontend.allowedSources ?? []).map((source) => rule({ source }, text, `-j ${next}`));
    const others = comment(`other traffic to ${service.name} will be dropped by ${CHAINS.proxyFirewall}`);
    this.pieces.push({ object: objectId('nat', chain), key: '', lines: [...allowed, others] });
    return chain;
  }
}

/** Lets a cloud load balancer ask for the node's health through a firewall that would not (rule N9). */
function healthCheck({ name, healthCheckNodePort: port }: ServicePlan): Fragment {
  if (port === undefined) return [];
  const leaf = portLeaf(HEALTH_CHECKS, { protocol: 'tcp', port });
  const line = rule(
    { protocol: 'tcp' },
    comment(`${name} health check node port`),
    destinationPort('tcp', port),
    '-j ACCEPT',
  );
  return [...leaf.path, { object: leaf.id, key: `${sortablePort(port)} ${name}`, lines: [line] }];
}
