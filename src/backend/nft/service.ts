import type { Action, AddressFrontend, Frontend, Plan, PoolName, ServicePlan, Target } from '../../compiler/plan.ts';
import type { IpFamily } from '../../model/address.ts';
import { socketAddress } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import type { Fragment, Piece } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import { orderKey, wordsOf } from './base.ts';
import type { PlaceKind } from './names.ts';
import { affinityEndpoint, affinityPoolChain, CHAINS, chainId, poolChain, poolMap, SETS, setId } from './names.ts';
import { poolLines } from './pool-lines.ts';
import { hasEmptySlots, slotCount } from './slots.ts';

/** A frontend lives either in the containers keyed by address . protocol . port or in those keyed by protocol . port. */
interface Place {
  readonly at: PlaceKind;
  readonly verdicts: ObjectId;
  readonly verdictsOutside: ObjectId;
  readonly noEndpoints: ObjectId;
  readonly masquerade: ObjectId;
}

const BY_ADDRESS: Place = {
  at: 'ip',
  verdicts: setId(SETS.serviceIps),
  verdictsOutside: setId(SETS.serviceIpsOutside),
  noEndpoints: setId(SETS.noEndpoints),
  masquerade: setId(SETS.masqueradeIps),
};

const BY_NODE_PORT: Place = {
  at: 'nodeport',
  verdicts: setId(SETS.serviceNodePorts),
  verdictsOutside: setId(SETS.serviceNodePortsOutside),
  noEndpoints: setId(SETS.noEndpointsNodePorts),
  masquerade: setId(SETS.masqueradeNodePorts),
};

const KIND_WORDS = {
  'cluster-ip': 'cluster IP',
  'external-ip': 'external IP',
  'load-balancer': 'loadbalancer IP',
  'node-port': 'node port',
} as const satisfies Record<Frontend['kind'], string>;

/** The kernel keeps 128 bytes of comment; a name can be longer than that. */
const MAX_COMMENT_LENGTH = 120;

const CLUSTER_IPS = setId(SETS.clusterIps);
const FIREWALLED = setId(SETS.firewalled);
const ALLOWED_SOURCES = setId(SETS.allowedSources);
const HAIRPIN = setId(SETS.hairpin);

const NO_LINES: readonly string[] = [];

function element(set: ObjectId, key: string, line?: string): Piece {
  return { object: set, key, lines: line === undefined ? NO_LINES : [line] };
}

/** Every element and chain of one Service. */
export function serviceRules(service: ServicePlan, plan: Plan, previous?: ServicePlan): Fragment {
  const pieces: Piece[] = [];
  const subject: Subject = { service, previous, family: plan.family, pieces };
  for (const frontend of service.frontends) addFrontend(subject, frontend);
  if (service.affinityTimeoutS !== undefined) pieces.push(...affinityRules(service, plan));
  addHairpins(subject);
  return pieces;
}

interface Subject {
  readonly service: ServicePlan;
  readonly previous: ServicePlan | undefined;
  readonly family: IpFamily;
  /** What was found so far. */
  readonly pieces: Piece[];
}

function addFrontend(subject: Subject, frontend: Frontend): void {
  const { service, pieces } = subject;
  const place = frontend.kind === 'node-port' ? BY_NODE_PORT : BY_ADDRESS;
  const key = frontendKey(service, frontend);
  const { node, outside } = frontend.verdict;
  if (frontend.kind !== 'node-port') addAddress(pieces, frontend, key);
  if (node.kind === 'reject') {
    pieces.push(element(place.noEndpoints, key, comment(service, frontend)));
    return;
  }
  const toVerdict = (action: Action): string => `${comment(service, frontend)} : ${verdictOf(subject, action, place)}`;
  pieces.push(element(place.verdicts, key, toVerdict(node)));
  if (!sameWay(node, outside)) pieces.push(element(place.verdictsOutside, key, toVerdict(outside)));
  if (frontend.kind !== 'cluster-ip') pieces.push(masqueradeElement(frontend, place, key));
  if (service.affinityTimeoutS === undefined) {
    for (const pool of poolsOf(frontend)) addPool(subject, frontend, { pool, at: place.at });
  }
}

function frontendKey(service: ServicePlan, frontend: Frontend): string {
  const transport = `${service.protocol} . ${frontend.port}`;
  return frontend.kind === 'node-port' ? transport : `${frontend.address} . ${transport}`;
}

function comment(service: ServicePlan, frontend: Frontend): string {
  const words = KIND_WORDS[frontend.kind];
  return `comment "${service.name.slice(0, MAX_COMMENT_LENGTH - words.length - 1)} ${words}"`;
}

function addAddress(pieces: Piece[], frontend: AddressFrontend, key: string): void {
  if (frontend.kind === 'cluster-ip') pieces.push(element(CLUSTER_IPS, frontend.address));
  if (frontend.allowedSources !== undefined) {
    pieces.push(element(FIREWALLED, key));
    for (const cidr of frontend.allowedSources) pieces.push(element(ALLOWED_SOURCES, `${key} . ${listedCidr(cidr)}`));
  }
}

/** nft prints a network of one address without its prefix length. */
function listedCidr(cidr: string): string {
  return cidr.replace(cidr.includes(':') ? /\/128$/ : /\/32$/, '');
}

/** Do two origins end in the same pool (or are both dropped)? Masquerading is decided elsewhere. */
function sameWay(a: Action, b: Action): boolean {
  return a.kind === b.kind && (a.kind !== 'forward' || b.kind !== 'forward' || a.pool === b.pool);
}

function verdictOf({ service, family }: Subject, action: Action, { at }: Place): string {
  switch (action.kind) {
    case 'reject':
    case 'drop':
      return 'drop';
    case 'forward':
      return service.affinityTimeoutS === undefined
        ? pickFor(service, family, { at, pool: action.pool }).verdict
        : `goto ${affinityPoolChain(service, action.pool)}`;
  }
}

/** Without duplicates. */
function poolsOf({ verdict: { pod, node, outside } }: Frontend): readonly PoolName[] {
  const pools: PoolName[] = [];
  for (const action of [pod, node, outside]) {
    if (action.kind === 'forward' && !pools.includes(action.pool)) pools.push(action.pool);
  }
  return pools;
}

/** The key that a pool is found by, without the slot: an expression for rules and for `typeof`. */
export function poolKey(family: IpFamily, protocol: Protocol, at: PlaceKind): string {
  return at === 'ip' ? `${wordsOf(family).ip} daddr . ${protocol} dport` : `${protocol} dport`;
}

/** The destination's endpoints, and the chain for pools with so many slots. */
function addPool({ service, previous, family, pieces }: Subject, frontend: Frontend, pick: PickKey): void {
  const { map, chain } = pickFor(service, family, pick);
  const key = frontend.kind === 'node-port' ? `${frontend.port}` : `${frontend.address} . ${frontend.port}`;
  pieces.push(chain, { object: map, key, lines: poolLines(service.pools[pick.pool], previous?.pools[pick.pool]) });
}

interface PickKey {
  readonly at: PlaceKind;
  readonly pool: PoolName;
}

/** How packets get from a verdict to an endpoint, for all pools of one kind with so many slots. */
interface Pick {
  readonly verdict: string;
  readonly chain: Piece;
  readonly map: ObjectId;
}

/** A handful serves all Services: spelled once, and the very same objects for each. */
const picks = new Map<string, Pick>();

function pickFor({ protocol, pools }: ServicePlan, family: IpFamily, { at, pool }: PickKey): Pick {
  const slots = slotCount(pools[pool].length);
  const name = `${family} ${protocol} ${at} ${pool} ${slots}`;
  const known = picks.get(name);
  if (known !== undefined) return known;
  const map = poolMap(protocol, at, pool);
  const chain = poolChain(protocol, at, { pool, slots });
  const { ip } = wordsOf(family);
  const lines = picksOf(slots).map(
    (count) => `dnat ${ip} to ${poolKey(family, protocol, at)} . numgen random mod ${count} map @${map}`,
  );
  const made: Pick = {
    verdict: `goto ${chain}`,
    chain: { object: chainId(chain), key: '', lines },
    map: setId(map),
  };
  picks.set(name, made);
  return made;
}

/** A pool with empty slots is picked from until one is full, at most so often (they are a 17th at most); then the first, which is. */
const PICKS = 6;

/** The numbers of slots that a packet picks from in turn, until it finds an endpoint. */
function picksOf(slots: number): readonly number[] {
  return hasEmptySlots(slots) ? [...Array<number>(PICKS).fill(slots), 1] : [slots];
}

function masqueradeElement(frontend: Frontend, place: Place, key: string): Piece {
  const { pod, node, outside } = frontend.verdict;
  const masqueraded = (action: Action): boolean => action.kind === 'forward' && action.masquerade;
  if (masqueraded(pod) && masqueraded(outside))
    return element(place.masquerade, key, `: goto ${CHAINS.masqueradeAlways}`);
  if (masqueraded(node)) return element(place.masquerade, key, `: goto ${CHAINS.masqueradeNode}`);
  return element(place.masquerade, key, ': return');
}

/** An endpoint that reaches itself through its Service must be masqueraded, or the answer never leaves it. */
function addHairpins({ service, pieces }: Subject): void {
  const { cluster, local } = service.pools;
  const addresses = new Set<string>();
  for (const target of cluster) if (target.local) addresses.add(target.address);
  for (const target of local) if (target.local) addresses.add(target.address);
  for (const address of addresses) pieces.push(element(HAIRPIN, `${address} . ${address}`));
}

/**
 * Services with affinity have chains of their own, one per pool, and a set of clients per endpoint that all frontends
 * share (rules A1–A7): a client returns to the first endpoint, in sorted order, that remembers it.
 */
function affinityRules(service: ServicePlan, plan: Plan): Piece[] {
  const { ip } = wordsOf(plan.family);
  const pieces: Piece[] = [];
  const used = new Map<string, Target>();
  for (const pool of new Set(service.frontends.flatMap((frontend) => poolsOf(frontend)))) {
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
