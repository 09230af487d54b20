import type { Action, AddressFrontend, Frontend, Plan, PoolName, ServicePlan, Target } from '../../compiler/plan.ts';
import type { IpFamily } from '../../model/address.ts';
import { socketAddress } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import type { Fragment, Piece } from '../assembly.ts';
import { orderKey, wordsOf } from './base.ts';
import type { PlaceKind, SetName } from './names.ts';
import { affinityEndpoint, affinityPoolChain, CHAINS, chainId, poolChain, poolMap, SETS, setId } from './names.ts';
import { poolLines } from './pool-lines.ts';
import { hasEmptySlots, slotCount } from './slots.ts';

/** A frontend lives either in the containers keyed by address . protocol . port or in those keyed by protocol . port. */
interface Place {
  readonly at: PlaceKind;
  readonly verdicts: SetName;
  readonly verdictsOutside: SetName;
  readonly noEndpoints: SetName;
  readonly masquerade: SetName;
}

const BY_ADDRESS: Place = {
  at: 'ip',
  verdicts: SETS.serviceIps,
  verdictsOutside: SETS.serviceIpsOutside,
  noEndpoints: SETS.noEndpoints,
  masquerade: SETS.masqueradeIps,
};

const BY_NODE_PORT: Place = {
  at: 'nodeport',
  verdicts: SETS.serviceNodePorts,
  verdictsOutside: SETS.serviceNodePortsOutside,
  noEndpoints: SETS.noEndpointsNodePorts,
  masquerade: SETS.masqueradeNodePorts,
};

const KIND_WORDS = {
  'cluster-ip': 'cluster IP',
  'external-ip': 'external IP',
  'load-balancer': 'loadbalancer IP',
  'node-port': 'node port',
} as const satisfies Record<Frontend['kind'], string>;

/** The kernel keeps 128 bytes of comment; a name can be longer than that. */
const MAX_COMMENT_LENGTH = 120;

function element(set: string, key: string, ...lines: string[]): Piece {
  return { object: setId(set), key, lines };
}

/** Every element and chain of one Service. */
export function serviceRules(service: ServicePlan, plan: Plan, previous?: ServicePlan): Fragment {
  const pieces = service.frontends.flatMap((frontend) =>
    frontendRules({ service, previous, family: plan.family }, frontend),
  );
  if (service.affinityTimeoutS !== undefined) pieces.push(...affinityRules(service, plan));
  return pieces.concat(hairpinElements(service));
}

interface Subject {
  readonly service: ServicePlan;
  readonly previous: ServicePlan | undefined;
  readonly family: IpFamily;
}

function frontendRules(subject: Subject, frontend: Frontend): Piece[] {
  const { service } = subject;
  const place = frontend.kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
  const key = frontendKey(service, frontend);
  const { node, outside } = frontend.verdict;
  const pieces: Piece[] = frontend.kind === 'node-port' ? [] : addressElements(frontend, key);
  if (node.kind === 'reject') return [...pieces, element(place.noEndpoints, key, comment(service, frontend).trim())];
  const toVerdict = (action: Action): string => `${comment(service, frontend)}: ${verdictOf(service, action, place)}`;
  pieces.push(element(place.verdicts, key, toVerdict(node)));
  if (!sameWay(node, outside)) pieces.push(element(place.verdictsOutside, key, toVerdict(outside)));
  if (frontend.kind !== 'cluster-ip') pieces.push(...masqueradeElement(frontend, place, key));
  if (service.affinityTimeoutS === undefined) {
    for (const pool of poolsOf(frontend)) pieces.push(...poolRules(subject, frontend, { pool, place: place.at }));
  }
  return pieces;
}

function frontendKey(service: ServicePlan, frontend: Frontend): string {
  const transport = `${service.protocol} . ${frontend.port}`;
  return frontend.kind === 'node-port' ? transport : `${frontend.address} . ${transport}`;
}

function comment(service: ServicePlan, frontend: Frontend): string {
  const words = KIND_WORDS[frontend.kind];
  return `comment "${service.name.slice(0, MAX_COMMENT_LENGTH - words.length - 1)} ${words}" `;
}

function addressElements(frontend: AddressFrontend, key: string): Piece[] {
  const pieces: Piece[] = [];
  if (frontend.kind === 'cluster-ip') pieces.push(element(SETS.clusterIps, frontend.address));
  if (frontend.allowedSources !== undefined) {
    pieces.push(element(SETS.firewalled, key));
    for (const cidr of frontend.allowedSources)
      pieces.push(element(SETS.allowedSources, `${key} . ${listedCidr(cidr)}`));
  }
  return pieces;
}

/** nft prints a network of one address without its prefix length. */
function listedCidr(cidr: string): string {
  return cidr.replace(cidr.includes(':') ? /\/128$/ : /\/32$/, '');
}

/** Do two origins end in the same pool (or are both dropped)? Masquerading is decided elsewhere. */
function sameWay(a: Action, b: Action): boolean {
  return a.kind === b.kind && (a.kind !== 'forward' || b.kind !== 'forward' || a.pool === b.pool);
}

function verdictOf(service: ServicePlan, action: Action, place: Place): string {
  switch (action.kind) {
    case 'reject':
    case 'drop':
      return 'drop';
    case 'forward':
      return service.affinityTimeoutS === undefined
        ? `goto ${poolChain(service.protocol, place.at, { pool: action.pool, slots: slotCount(service.pools[action.pool].length) })}`
        : `goto ${affinityPoolChain(service, action.pool)}`;
  }
}

function poolsOf(frontend: Frontend): ReadonlySet<PoolName> {
  const actions = Object.values(frontend.verdict);
  return new Set(actions.flatMap((action) => (action.kind === 'forward' ? [action.pool] : [])));
}

/** The key that a pool is found by, without the slot: an expression for rules and for `typeof`. */
export function poolKey(family: IpFamily, protocol: Protocol, at: PlaceKind): string {
  return at === 'ip' ? `${wordsOf(family).ip} daddr . ${protocol} dport` : `${protocol} dport`;
}

/** The destination's endpoints, and the chain for pools with so many slots, which all Services of the family share. */
function poolRules(
  { service, previous, family }: Subject,
  frontend: Frontend,
  { pool, place }: { pool: PoolName; place: PlaceKind },
): Piece[] {
  const { protocol } = service;
  const targets = service.pools[pool];
  const map = poolMap(protocol, place, pool);
  const slots = slotCount(targets.length);
  const pick = (count: number): string =>
    `dnat ${wordsOf(family).ip} to ${poolKey(family, protocol, place)} . numgen random mod ${count} map @${map}`;
  const chain: Piece = {
    object: chainId(poolChain(protocol, place, { pool, slots })),
    key: '',
    lines: picksOf(slots).map(pick),
  };
  const key = frontend.kind === 'node-port' ? `${frontend.port}` : `${frontend.address} . ${frontend.port}`;
  return [chain, { object: setId(map), key, lines: poolLines(targets, previous?.pools[pool]) }];
}

/** A pool with empty slots is picked from until one is full, at most so often (they are a 17th at most); then the first, which is. */
const PICKS = 6;

/** The numbers of slots that a packet picks from in turn, until it finds an endpoint. */
function picksOf(slots: number): readonly number[] {
  return hasEmptySlots(slots) ? [...Array<number>(PICKS).fill(slots), 1] : [slots];
}

function masqueradeElement(frontend: Frontend, place: Place, key: string): Piece[] {
  const { pod, node, outside } = frontend.verdict;
  const masqueraded = (action: Action): boolean => action.kind === 'forward' && action.masquerade;
  if (masqueraded(pod) && masqueraded(outside))
    return [element(place.masquerade, key, `: goto ${CHAINS.masqueradeAlways}`)];
  if (masqueraded(node)) return [element(place.masquerade, key, `: goto ${CHAINS.masqueradeNode}`)];
  return [element(place.masquerade, key, ': return')];
}

/** An endpoint that reaches itself through its Service must be masqueraded, or the answer never leaves it. */
function hairpinElements(service: ServicePlan): Piece[] {
  const local = new Set<string>();
  for (const targets of Object.values(service.pools))
    for (const target of targets) if (target.local) local.add(target.address);
  return [...local].map((address) => element(SETS.hairpin, `${address} . ${address}`));
}

/**
 * Services with affinity have chains of their own, one per pool, and a set of clients per endpoint that all frontends
 * share (rules A1–A7): a client returns to the first endpoint, in sorted order, that remembers it.
 */
function affinityRules(service: ServicePlan, plan: Plan): Piece[] {
  const { ip } = wordsOf(plan.family);
  const pieces: Piece[] = [];
  const used = new Map<string, Target>();
  for (const pool of new Set(service.frontends.flatMap((frontend) => [...poolsOf(frontend)]))) {
    const targets = service.pools[pool];
    const chains = targets.map((target) => affinityEndpoint(service, target));
    for (const [i, target] of targets.entries()) used.set(chains[i]?.chain ?? '', target);
    const recalls = chains.map(({ set, chain }) => `${ip} saddr @${set} goto ${chain}`);
    const choices = chains.map(({ chain }, i) => `${i} : goto ${chain}`).join(', ');
    const lines = [...recalls, `numgen random mod ${chains.length} vmap { ${choices} }`];
    const object = chainId(affinityPoolChain(service, pool));
    pieces.push(...lines.map((line, i) => ({ object, key: orderKey(i), lines: [line] })));
  }
  for (const target of used.values()) pieces.push(...affinityEndpointRules(service, target, ip));
  return pieces;
}

function affinityEndpointRules(service: ServicePlan, target: Target, ip: string): Piece[] {
  const { set, chain } = affinityEndpoint(service, target);
  const lines = [
    `update @${set} { ${ip} saddr timeout ${nftDuration(service.affinityTimeoutS ?? 0)} }`,
    `meta l4proto ${service.protocol} dnat to ${socketAddress(target.address, target.port)}`,
  ];
  return [
    { object: setId(set), key: '', lines: [] },
    { object: chainId(chain), key: '', lines },
  ];
}

/** Seconds as nft prints them: `3h`, `1d1h1m1s`. */
export function nftDuration(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ];
  let rest = seconds;
  let text = '';
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${unit}`;
  }
  return text === '' ? '0s' : text;
}
