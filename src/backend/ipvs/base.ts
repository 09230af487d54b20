import type { Plan } from '../../compiler/plan.ts';
import type { IpFamily } from '../../model/address.ts';
import type { Fragment, Piece } from '../assembly.ts';
import type { ObjectId } from '../rules.ts';
import type { Table } from '../xtables/names.ts';
import { objectId } from '../xtables/names.ts';
import { comment, notPodMatch, podMatch, rule } from '../xtables/text.ts';
import type { RuleHead } from '../xtables/text.ts';
import { nodePortAddresses } from './destinations.ts';
import { anyMark, hex } from './marks.ts';
import type { SetKind, SetName } from './names.ts';
import { ADDRESSES, CHAINS, SET_NAMES, setId, setName, SETS, VIRTUAL_SERVERS } from './names.ts';

const NEW = '-m conntrack --ctstate NEW';
const FROM_NODE = '-m addrtype --src-type LOCAL';

/** Of the packet; a client is looked up as the third part. */
const DIRECTIONS = {
  'hash:ip': 'dst',
  'hash:ip,port': 'dst,dst',
  'hash:ip,port,ip': 'dst,dst,src',
  'hash:ip,port,net': 'dst,dst,src',
  'bitmap:port': 'dst',
} as const satisfies Record<SetKind['type'], string>;

/** The rules, which no Service changes, and the objects that are there even when empty. */
export function baseRules(
  plan: Plan,
  masqueradeBit: number,
): { readonly pieces: Fragment; readonly objects: readonly ObjectId[] } {
  const chains = new Chains(plan, masqueradeBit);
  const nodePorts = nodePortAddresses(plan.node).map((address): Piece => {
    return { object: setId(plan.family, 'nodePortIps'), key: address, lines: [] };
  });
  const pieces = [...chains.jumps(), ...chains.nat(), ...chains.filter(), ...chains.mangle(), ...nodePorts];
  const objects = [
    VIRTUAL_SERVERS,
    ADDRESSES,
    ...SET_NAMES.map((name) => setId(plan.family, name)),
    ...pieces.map(({ object }) => object),
  ];
  return { pieces, objects };
}

function piece(table: Table, chain: string, lines: readonly string[]): Piece {
  return { object: objectId(table, chain), key: '', lines };
}

class Chains {
  readonly #family: IpFamily;
  readonly #plan: Plan;
  readonly #bit: number;

  constructor(plan: Plan, masqueradeBit: number) {
    this.#family = plan.family;
    this.#plan = plan;
    this.#bit = masqueradeBit;
  }

  /** What built-in chains get, top to bottom. */
  jumps(): readonly Piece[] {
    const services = rule({}, comment('kubernetes service portals'), `-j ${CHAINS.services}`);
    const firewall = rule({}, comment('kube-proxy firewall rules'), `-j ${CHAINS.proxyFirewall}`);
    const health = rule({}, comment('kubernetes health check rules'), `-j ${CHAINS.nodePort}`);
    const access = rule({}, comment('kubernetes ipvs access filter'), `-j ${CHAINS.filter}`);
    const pods = this.#podHead();
    return [
      piece('filter', 'INPUT', [firewall, health, access]),
      piece('filter', 'FORWARD', [firewall, rule({}, comment('kubernetes forwarding rules'), `-j ${CHAINS.forward}`)]),
      piece('nat', 'PREROUTING', [services]),
      piece('nat', 'OUTPUT', [services]),
      piece('nat', 'POSTROUTING', [rule({}, comment('kubernetes postrouting rules'), `-j ${CHAINS.postrouting}`)]),
      piece(
        'mangle',
        'PREROUTING',
        pods === undefined ? [] : [rule(pods, NEW, comment('short cut of pods'), `-j ${CHAINS.mark}`)],
      ),
      piece('mangle', 'OUTPUT', [
        rule({}, NEW, comment('kube-proxy firewall rules'), `-j ${CHAINS.outFilter}`),
        rule({}, NEW, comment('short cut of the node'), `-j ${CHAINS.mark}`),
      ]),
      piece('mangle', 'POSTROUTING', [rule({}, comment('end of short cuts'), `-j ${CHAINS.unmark}`)]),
    ].filter(({ lines }) => lines.length > 0);
  }

  /** Who is masqueraded. Nothing after these chains may translate what they accept: it is IPVS's. */
  nat(): readonly Piece[] {
    const mark = `-j ${CHAINS.markMasq}`;
    const loopback = this.#family === 'IPv4' ? '127.0.0.0/8' : '::1/128';
    const bit = hex(2 ** this.#bit);
    const nodePorts = (['tcp', 'udp'] as const).flatMap((protocol) => [
      rule({ protocol }, this.#in(protocol === 'tcp' ? 'nodePortLocalTcp' : 'nodePortLocalUdp'), '-j RETURN'),
      rule({ protocol }, this.#in(protocol === 'tcp' ? 'nodePortTcp' : 'nodePortUdp'), mark),
    ]);
    return [
      piece('nat', CHAINS.services, [
        rule({ source: loopback }, '-j RETURN'),
        rule({}, this.#in('loadBalancer'), `-j ${CHAINS.loadBalancer}`),
        ...this.#clusterIpMasquerade(),
        rule({}, this.#in('externalIp'), mark),
        ...(['loadBalancer', 'clusterIp', 'externalIp', 'externalIpLocal'] as const).map((name) =>
          rule({}, this.#in(name), '-j ACCEPT'),
        ),
        rule({}, this.#in('nodePortIps'), `-j ${CHAINS.nodePort}`),
      ]),
      piece('nat', CHAINS.loadBalancer, [rule({}, this.#in('loadBalancerLocal'), '-j RETURN'), mark]),
      piece('nat', CHAINS.nodePort, [
        ...nodePorts,
        rule({ protocol: 'sctp' }, this.#in('nodePortLocalSctp'), '-j RETURN'),
        rule({ protocol: 'sctp' }, this.#in('nodePortSctp'), mark),
      ]),
      piece('nat', CHAINS.markMasq, [`-j MARK --set-xmark ${bit}/${bit}`]),
      piece('nat', CHAINS.postrouting, [
        rule({}, comment('connections of an endpoint to itself'), this.#in('loopBack'), '-j MASQUERADE'),
        // The node's own source is the Service's address, which is on this node: answers from elsewhere would not come back.
        rule(
          {},
          comment('connections of the node to Services'),
          '-m ipvs --ipvs',
          FROM_NODE,
          '-j MASQUERADE --random-fully',
        ),
        `-m mark ! --mark ${bit}/${bit} -j RETURN`,
        `-j MARK --set-xmark ${bit}/0x0`,
        rule({}, comment('kubernetes service traffic requiring SNAT'), '-j MASQUERADE --random-fully'),
      ]),
    ];
  }

  /** Packets for Services arrive at the node itself, so what is not let through to IPVS is stopped in INPUT. */
  filter(): readonly Piece[] {
    const bit = hex(2 ** this.#bit);
    const icmp = this.#family === 'IPv4' ? 'icmp' : 'ipv6-icmp';
    const rejectWith = this.#family === 'IPv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
    const pods = this.#podHead();
    const served = ['loadBalancer', 'clusterIp', 'externalIp', 'externalIpLocal'] as const;
    return [
      piece('filter', CHAINS.proxyFirewall, [rule({}, NEW, this.#in('firewall'), `-j ${CHAINS.sourceRanges}`)]),
      piece('filter', CHAINS.sourceRanges, this.#sourceRanges()),
      piece('filter', CHAINS.forward, [
        rule({}, comment('kubernetes forwarding rules'), `-m mark --mark ${bit}/${bit} -j ACCEPT`),
        rule(
          {},
          comment('kubernetes forwarding conntrack rule'),
          '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
        ),
      ]),
      piece('filter', CHAINS.nodePort, [
        rule({}, comment('Kubernetes health check node port'), this.#in('healthCheck'), '-j ACCEPT'),
      ]),
      piece('filter', CHAINS.filter, [
        rule({}, NEW, this.#in('drop'), '-j DROP'),
        rule({}, NEW, this.#in('dropOutside'), `-j ${CHAINS.outside}`),
        ...served.map((name) => rule({}, this.#in(name), '-j RETURN')),
        `-p ${icmp} -j RETURN`,
        rule({}, NEW, this.#in('ips'), `-j REJECT --reject-with ${rejectWith}`),
      ]),
      piece('filter', CHAINS.outside, [
        ...(pods === undefined ? [] : [rule(pods, comment('pods may go to other nodes'), '-j RETURN')]),
        rule({}, comment('so may the node'), FROM_NODE, '-j RETURN'),
        '-j DROP',
      ]),
    ];
  }

  /** The node's own packets meet IPVS before the table filter, and its marks have to be there by then. */
  mangle(): readonly Piece[] {
    const shortCut = setName(this.#family, 'shortCut');
    return [
      piece('mangle', CHAINS.outFilter, [rule({}, this.#in('firewall'), `-j ${CHAINS.sourceRanges}`)]),
      piece('mangle', CHAINS.sourceRanges, this.#sourceRanges()),
      piece('mangle', CHAINS.mark, [rule({}, this.#in('shortCut'), `-j SET --map-set ${shortCut} dst,dst --map-mark`)]),
      // A tunnel's packet would inherit the mark, and meet IPVS again.
      piece('mangle', CHAINS.unmark, [`-m mark --mark ${anyMark(this.#bit)} -j MARK --set-xmark 0x0/0xffffffff`]),
    ];
  }

  #sourceRanges(): readonly string[] {
    return [rule({}, this.#in('sourceCidr'), '-j RETURN'), rule({}, this.#in('sourceIp'), '-j RETURN'), '-j DROP'];
  }

  /** Rules M1 to M3. */
  #clusterIpMasquerade(): readonly string[] {
    const { clusterIpMasquerade, podDetector } = this.#plan.node;
    const text = comment('kubernetes service cluster IPs for masquerade purpose');
    const masquerade = (head: RuleHead): string => rule(head, text, this.#in('clusterIp'), `-j ${CHAINS.markMasq}`);
    switch (clusterIpMasquerade) {
      case 'always':
        return [masquerade({})];
      case 'not-pod': {
        const others = podDetector === undefined ? {} : notPodMatch(podDetector);
        return others === undefined ? [] : [masquerade(others)];
      }
      case 'never':
        return [];
    }
  }

  #podHead(): RuleHead | undefined {
    const { podDetector } = this.#plan.node;
    return podDetector === undefined ? undefined : podMatch(podDetector);
  }

  /** `-m set --match-set KUBE-CLUSTER-IP dst,dst`: which parts of a packet are looked up follows from the type of the set. */
  #in(set: SetName): string {
    return `-m set --match-set ${setName(this.#family, set)} ${DIRECTIONS[SETS[set].type]}`;
  }
}
