import type { AddressFrontend, Frontend, Plan, ServicePlan } from '../../compiler/plan.ts';
import type { Cidr, IpAddress } from '../../model/address.ts';
import { familyOf, hostCidr, prefixLength } from '../../model/address.ts';
import type { Protocol } from '../../model/service.ts';
import type { Fragment, Piece } from '../assembly.ts';
import { addressesOf, keepsSource, servingOf } from './destinations.ts';
import type { SetName } from './names.ts';
import { ADDRESSES, serverKey, setId, setKey, shortCutKey, VIRTUAL_SERVERS } from './names.ts';
import { serverLines } from './servers.ts';

/** Everything that one service port needs: virtual servers, entries of sets, addresses. */
export function serviceRules(service: ServicePlan, plan: Plan, scheduler: string): Fragment {
  return new Spelled(service, plan, scheduler).pieces();
}

const NODE_PORT_SETS = {
  tcp: { all: 'nodePortTcp', local: 'nodePortLocalTcp' },
  udp: { all: 'nodePortUdp', local: 'nodePortLocalUdp' },
  sctp: { all: 'nodePortSctp', local: 'nodePortLocalSctp' },
} as const satisfies Record<Protocol, Record<'all' | 'local', SetName>>;

class Spelled {
  readonly #service: ServicePlan;
  readonly #plan: Plan;
  readonly #scheduler: string;
  readonly #pieces = new Map<string, Piece>();
  /** All destinations that are for clients outside have the same short cut. */
  #shortCut: string | undefined;

  constructor(service: ServicePlan, plan: Plan, scheduler: string) {
    this.#service = service;
    this.#plan = plan;
    this.#scheduler = scheduler;
  }

  pieces(): Fragment {
    const { frontends, healthCheckNodePort } = this.#service;
    for (const frontend of frontends) {
      for (const address of addressesOf(frontend, this.#plan)) this.#serve(frontend, address);
      if (frontend.kind === 'node-port') this.#addNodePort(frontend);
      else this.#addAddress(frontend);
    }
    this.#addHairpins();
    if (healthCheckNodePort !== undefined) this.#addTo('healthCheck', String(healthCheckNodePort));
    return [...this.#pieces.values()];
  }

  /** One address and port: who gets where. */
  #serve(frontend: Frontend, address: IpAddress): void {
    const { protocol, name } = this.#service;
    const key = setKey(protocol, address, frontend.port);
    this.#addTo('names', key, `comment "${commentText(name)}"`);
    const { targets, dropsOutside, shortCut } = servingOf(this.#service, frontend);
    if (dropsOutside) this.#addTo('dropOutside', key);
    if (targets === undefined) {
      this.#addTo('drop', key);
      return;
    }
    const lines = serverLines(this.#service, this.#scheduler, targets);
    this.#add({ object: VIRTUAL_SERVERS, key: serverKey(protocol, address, frontend.port), lines });
    if (shortCut === undefined) return;
    this.#shortCut ??= key;
    this.#addTo('shortCut', key, `comment "${this.#shortCut}"`);
    const other = serverLines(this.#service, this.#scheduler, shortCut);
    this.#add({ object: VIRTUAL_SERVERS, key: shortCutKey(this.#shortCut), lines: other });
  }

  #addAddress(frontend: AddressFrontend): void {
    const { address } = frontend;
    // An address that the node has anyway keeps its other ports open.
    if (this.#plan.node.interfaceAddresses?.includes(address) !== true) {
      this.#add({ object: ADDRESSES, key: address, lines: [] });
      this.#addTo('ips', address);
    }
    const key = setKey(this.#service.protocol, address, frontend.port);
    switch (frontend.kind) {
      case 'cluster-ip':
        this.#addTo('clusterIp', key);
        return;
      case 'external-ip':
        this.#addTo(keepsSource(frontend) ? 'externalIpLocal' : 'externalIp', key);
        return;
      case 'load-balancer':
        this.#addTo('loadBalancer', key);
        if (keepsSource(frontend)) this.#addTo('loadBalancerLocal', key);
        this.#addSources(frontend, key);
    }
  }

  #addSources({ allowedSources, address }: AddressFrontend, key: string): void {
    if (allowedSources === undefined) return;
    this.#addTo('firewall', key);
    for (const network of allowedSources) {
      // That the node may use the address as a source too is kube-proxy's one use of this set.
      if (network === hostCidr(address)) this.#addTo('sourceIp', `${key},${address}`);
      else this.#addTo('sourceCidr', `${key},${withoutFullLength(network)}`);
    }
  }

  #addNodePort(frontend: Frontend): void {
    const { protocol } = this.#service;
    const sets = NODE_PORT_SETS[protocol];
    const keys =
      protocol === 'sctp'
        ? addressesOf(frontend, this.#plan).map((address) => setKey(protocol, address, frontend.port))
        : [String(frontend.port)];
    for (const key of keys) {
      this.#addTo(sets.all, key);
      if (keepsSource(frontend)) this.#addTo(sets.local, key);
    }
  }

  /** Rule M6: a pod that reaches itself has to see another source, or it would answer past the node. */
  #addHairpins(): void {
    const { pools, protocol } = this.#service;
    for (const { address, port, local } of [...pools.cluster, ...pools.local]) {
      if (local) this.#addTo('loopBack', `${setKey(protocol, address, port)},${address}`);
    }
  }

  #addTo(set: SetName, key: string, data?: string): void {
    this.#add({ object: setId(this.#plan.family, set), key, lines: data === undefined ? [] : [data] });
  }

  #add(piece: Piece): void {
    this.#pieces.set(`${piece.object} ${piece.key}`, piece);
  }
}

/** As ipset prints single addresses. */
function withoutFullLength(cidr: Cidr): string {
  const full = familyOf(cidr) === 'IPv4' ? 32 : 128;
  return prefixLength(cidr) === full ? cidr.slice(0, cidr.indexOf('/')) : cidr;
}

/** The kernel's limit is 255 bytes. */
const COMMENT_LIMIT = 255;

function commentText(text: string): string {
  return text.replace(/[^ -~]|["'\\]/g, '_').slice(0, COMMENT_LIMIT);
}
