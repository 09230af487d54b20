import type { Action, Frontend, Origin, Plan, ServicePlan, Target } from '../../src/compiler/plan.ts';
import { cidrContains, isLoopback } from '../../src/model/address.ts';
import type { Packet } from './scenario-addresses.ts';
import { originOf, serverName } from './scenario-addresses.ts';
import type { Masquerade, Result, Row } from './scenario-rows.ts';

/** What a backend makes of packets that the plan has no verdict for; kube-proxy's answers differ by mode. */
interface Traits {
  /** A ClusterIP's ports that no Service has, and the rest of the networks of ClusterIPs. */
  readonly unknownPort: Result['kind'];
  readonly unallocated: Result['kind'];
  /** May the node itself leave with a packet for an external address without endpoints? */
  readonly letsNodePass: boolean;
  /** Are NodePorts without endpoints refused, or dropped, on addresses that serve no NodePorts? */
  readonly refusesEverywhere: boolean;
  /** Do source ranges hold for Services that nobody serves? */
  readonly guardsAlways: boolean;
  /** Are the addresses of Services the node's own, so that it refuses their other ports, and sends from them? */
  readonly ownsAddresses: boolean;
  /** Does each destination remember its clients by itself, and those of policy Local send everybody the same way? */
  readonly affinityByDestination: boolean;
}

const TRAITS: Readonly<Record<string, Traits>> = {
  nft: {
    unknownPort: 'refused',
    unallocated: 'drop',
    letsNodePass: false,
    refusesEverywhere: false,
    guardsAlways: true,
    ownsAddresses: false,
    affinityByDestination: false,
  },
  iptables: {
    unknownPort: 'pass',
    unallocated: 'pass',
    letsNodePass: true,
    refusesEverywhere: true,
    guardsAlways: false,
    ownsAddresses: false,
    affinityByDestination: false,
  },
  ipvs: {
    unknownPort: 'refused',
    unallocated: 'pass',
    letsNodePass: false,
    refusesEverywhere: false,
    guardsAlways: true,
    ownsAddresses: true,
    affinityByDestination: true,
  },
};

/** What the plan says about a packet. */
export interface Judgement {
  readonly result: Result;
  readonly masquerade: Masquerade;
  /** Whose packet it is; absent when it meets no Service. */
  readonly service?: ServicePlan;
  /** What session affinity goes by, beside the client. */
  readonly affinityKey?: string;
}

function without(kind: Result['kind'], service?: ServicePlan): Judgement {
  const result: Result = kind === 'servers' ? { kind, servers: [] } : { kind };
  return { result, masquerade: '-', ...(service === undefined ? {} : { service }) };
}

/** Looks a packet up in the verdict table of a plan. No rules, no kernel. */
export function judge(plan: Plan, packet: Packet, backend: string): Judgement {
  const traits = TRAITS[backend];
  if (traits === undefined) throw new Error(`nothing is known about the backend ${backend}`);
  const services = [...plan.services.values()].filter((service) => service.protocol === packet.protocol);
  for (const service of services) {
    const frontend = service.frontends.find((candidate) => isFor(candidate, packet));
    if (frontend !== undefined) return judgeFrontend({ plan, packet, traits, service, frontend });
  }
  for (const service of services) {
    const frontend = service.frontends.find(({ kind, port }) => kind === 'node-port' && port === packet.port);
    if (frontend === undefined || !packet.nodeAddresses.has(packet.destination)) continue;
    if (servesNodePorts(plan, packet)) return judgeFrontend({ plan, packet, traits, service, frontend });
    return without(traits.refusesEverywhere ? refusalOf(frontend) : 'pass', service);
  }
  const clusterIps = [...plan.services.values()].flatMap(({ frontends }) =>
    frontends.flatMap((frontend) =>
      frontend.kind === 'cluster-ip' || (traits.ownsAddresses && frontend.kind !== 'node-port') ? frontend.address : [],
    ),
  );
  const isNodes = packet.nodeAddresses.has(packet.destination);
  if (clusterIps.includes(packet.destination) && !isNodes) return without(traits.unknownPort);
  if (plan.node.serviceCidrs.some((cidr) => cidrContains(cidr, packet.destination))) return without(traits.unallocated);
  return without('pass');
}

function refusalOf({ verdict }: Frontend): Result['kind'] {
  switch (verdict.outside.kind) {
    case 'reject':
      return 'refused';
    case 'drop':
      return 'drop';
    case 'forward':
      return 'pass';
  }
}

function isFor(frontend: Frontend, { destination, port }: Packet): boolean {
  return frontend.kind !== 'node-port' && frontend.address === destination && frontend.port === port;
}

function servesNodePorts({ node: { nodePortAddresses } }: Plan, { destination }: Packet): boolean {
  if (isLoopback(destination)) return nodePortAddresses.loopback && !destination.includes(':');
  return nodePortAddresses.kind === 'all' || nodePortAddresses.addresses.includes(destination);
}

interface Case {
  readonly plan: Plan;
  readonly packet: Packet;
  readonly traits: Traits;
  readonly service: ServicePlan;
  readonly frontend: Frontend;
}

function judgeFrontend({ plan, packet, traits, service, frontend }: Case): Judgement {
  const origin = originOf(packet, plan.node.podDetector);
  const action = actionOf(frontend, { origin, traits, service });
  const allowed = frontend.kind === 'node-port' ? undefined : frontend.allowedSources;
  const denied = allowed !== undefined && !allowed.some((cidr) => cidrContains(cidr, packet.source));
  if (denied && (action.kind !== 'reject' || traits.guardsAlways)) return without('drop', service);
  if (action.kind === 'drop') return without('drop', service);
  if (action.kind === 'reject') {
    const external = frontend.kind === 'external-ip' || frontend.kind === 'load-balancer';
    const passes = traits.letsNodePass && external && packet.interfaceName === '';
    return without(passes ? 'pass' : 'refused', service);
  }
  const targets = service.pools[action.pool];
  // The node would send from the Service's address.
  const masquerades = action.masquerade || (traits.ownsAddresses && origin === 'node');
  return {
    result: { kind: 'servers', servers: targets.map(({ address, port }) => serverName(address, port)).toSorted() },
    masquerade: masqueradeOf(masquerades, targets, packet),
    service,
    affinityKey: traits.affinityByDestination ? `${service.key} ${packet.destination}` : service.key,
  };
}

function actionOf(
  { verdict }: Frontend,
  { origin, traits, service }: { readonly origin: Origin; readonly traits: Traits; readonly service: ServicePlan },
): Action {
  const action = verdict[origin];
  const sameForAll = traits.affinityByDestination && service.affinityTimeoutS !== undefined;
  const { outside } = verdict;
  if (!sameForAll || action.kind !== 'forward' || outside.kind !== 'forward') return action;
  return { ...action, pool: outside.pool };
}

function masqueradeOf(always: boolean, targets: readonly Target[], { source }: Packet): Masquerade {
  if (always) return 'yes';
  return targets.some(({ address, local }) => local && address === source) ? 'hairpin' : 'no';
}

/** What is wrong with the plan in the eyes of a row; `undefined` is nothing. */
export function disagreement(row: Row, judgement: Judgement): string | undefined {
  const { result, masquerade, service } = judgement;
  const planned = result.kind === 'servers' ? result.servers.join('|') : result.kind;
  const wanted = row.result.kind === 'servers' ? row.result.servers.join('|') : row.result.kind;
  if (planned !== wanted) return `the plan says ${planned}`;
  if (row.masquerade !== '-' && row.masquerade !== masquerade) return `the plan says masquerade ${masquerade}`;
  const remembers = service?.affinityTimeoutS !== undefined && result.kind === 'servers';
  if (row.affinity === undefined || remembers) return undefined;
  return 'the plan knows no session affinity';
}
