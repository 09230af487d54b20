import type { NodePlan, Plan } from '../../compiler/plan.ts';
import { isLoopback } from '../../model/address.ts';
import type { Fragment, Piece } from '../assembly.ts';
import type { BackendSettings } from '../contract.ts';
import type { ObjectId } from '../rules.ts';
import type { Table } from '../xtables/names.ts';
import { objectId } from '../xtables/names.ts';
import { CHAINS } from './names.ts';
import { comment, host, rule } from '../xtables/text.ts';

const NEW = '-m conntrack --ctstate NEW';
/** What NodePorts can be reached at from the node itself (rule N4). */
export const LOCALHOST = '127.0.0.0/8';

/** `value/mask` of the bit that asks for masquerade, as iptables prints it. */
function markOf(settings: BackendSettings): string {
  const bit = `0x${(2 ** settings.masqueradeBit).toString(16)}`;
  return `${bit}/${bit}`;
}

/** Rules that exist whatever the Services are: the jumps and the fixed chains of the reference, 3.1.2 and 3.1.3. */
export function baseRules(
  plan: Plan,
  settings: BackendSettings,
): { readonly pieces: Fragment; readonly objects: readonly ObjectId[] } {
  const localnet = servesLoopback(plan);
  const pieces = [...jumps(localnet), ...masqueradeChains(settings), forwardChain(settings), nodePortJumps(plan)];
  if (localnet) pieces.push(localnetChain());
  return { pieces, objects: [...new Set([...FILLED_BY_SERVICES, ...pieces.map(({ object }) => object)])] };
}

/** Chains that others jump to, so they are there without a rule too. */
const FILLED_BY_SERVICES: readonly ObjectId[] = [
  objectId('nat', CHAINS.services),
  objectId('nat', CHAINS.nodePorts),
  objectId('nat', CHAINS.hairpin),
  objectId('filter', CHAINS.services),
  objectId('filter', CHAINS.externalServices),
  objectId('filter', CHAINS.nodePorts),
  objectId('filter', CHAINS.proxyFirewall),
];

/** Rule N4: the kernel can send packets for 127.0.0.0/8 elsewhere (`route_localnet`); for ::1 there is no such thing. */
function servesLoopback(plan: Plan): boolean {
  return plan.family === 'IPv4' && plan.node.nodePortAddresses.loopback;
}

function piece(table: Table, chain: string, lines: readonly string[]): Piece {
  return { object: objectId(table, chain), key: '', lines };
}

/** What built-in chains get, top to bottom. */
function jumps(localnet: boolean): readonly Piece[] {
  const local = localnet ? [`-j ${CHAINS.localnet}`] : [];
  const firewall = rule({}, NEW, comment('kubernetes load balancer firewall'), `-j ${CHAINS.proxyFirewall}`);
  const health = rule({}, comment('kubernetes health check service ports'), `-j ${CHAINS.nodePorts}`);
  const external = rule(
    {},
    NEW,
    comment('kubernetes externally-visible service portals'),
    `-j ${CHAINS.externalServices}`,
  );
  const portals = comment('kubernetes service portals');
  const services = rule({}, NEW, portals, `-j ${CHAINS.services}`);
  const forward = rule({}, comment('kubernetes forwarding rules'), `-j ${CHAINS.forward}`);
  const translate = rule({}, portals, `-j ${CHAINS.services}`);
  return [
    piece('filter', 'INPUT', [...local, firewall, health, external]),
    piece('filter', 'FORWARD', [firewall, forward, services, external]),
    piece('filter', 'OUTPUT', [...local, firewall, services]),
    piece('nat', 'PREROUTING', [translate]),
    piece('nat', 'OUTPUT', [translate]),
    piece('nat', 'POSTROUTING', [rule({}, comment('kubernetes postrouting rules'), `-j ${CHAINS.postrouting}`)]),
  ];
}

/** The mark is cleared before the packet leaves, so that a tunnel around it is not masqueraded again (rule M8). */
function masqueradeChains(settings: BackendSettings): readonly Piece[] {
  const mark = markOf(settings);
  const bit = mark.slice(0, mark.indexOf('/'));
  return [
    piece('nat', CHAINS.markMasq, [`-j MARK --set-xmark ${mark}`]),
    piece('nat', CHAINS.postrouting, [
      rule({}, comment('connections of an endpoint to itself'), '-m conntrack --ctstate DNAT', `-j ${CHAINS.hairpin}`),
      `-m mark ! --mark ${mark} -j RETURN`,
      `-j MARK --set-xmark ${bit}/0x0`,
      rule({}, comment('kubernetes service traffic requiring SNAT'), '-j MASQUERADE --random-fully'),
    ]),
  ];
}

/** Rules F1 and F2. */
function forwardChain(settings: BackendSettings): Piece {
  const dropInvalid = settings.conntrackBeLiberal ? [] : ['-m conntrack --ctstate INVALID -j DROP'];
  return piece('filter', CHAINS.forward, [
    ...dropInvalid,
    rule({}, comment('kubernetes forwarding rules'), `-m mark --mark ${markOf(settings)} -j ACCEPT`),
    rule({}, comment('kubernetes forwarding conntrack rule'), '-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'),
  ]);
}

function localnetChain(): Piece {
  const head = { source: `! ${LOCALHOST}`, destination: LOCALHOST };
  const known = '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT';
  const text = comment('block incoming localnet connections');
  return piece('filter', CHAINS.localnet, [rule(head, text, known, '-j DROP')]);
}

/**
 * Rules N1 to N4. The last rules of the chain: an address of the node that is a Service's own goes first. Where loopback is
 * served, a rule without a target before them and behind them counts how many packets of that kind they took.
 */
function nodePortJumps(plan: Plan): Piece {
  const counter = servesLoopback(plan)
    ? [rule({ destination: LOCALHOST }, comment('counts packets to NodePorts on localhost'))]
    : [];
  const toNodePorts = nodePortMatches(plan.family, plan.node).map(({ destination, match }) =>
    rule(
      destination === undefined ? {} : { destination },
      comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain'),
      match,
      `-j ${CHAINS.nodePorts}`,
    ),
  );
  return {
    object: objectId('nat', CHAINS.services),
    key: '~ node ports',
    lines: [...counter, ...toNodePorts, ...counter],
  };
}

function nodePortMatches(
  family: Plan['family'],
  { nodePortAddresses }: NodePlan,
): readonly { readonly destination?: string; readonly match: string }[] {
  if (nodePortAddresses.kind === 'all') {
    const match = '-m addrtype --dst-type LOCAL';
    if (family === 'IPv6') return [{ destination: '! ::1/128', match }];
    return nodePortAddresses.loopback ? [{ match }] : [{ destination: `! ${LOCALHOST}`, match }];
  }
  const listed = nodePortAddresses.addresses.filter((address) => !isLoopback(address));
  const loopback = family === 'IPv4' && nodePortAddresses.loopback ? ['127.0.0.1/32'] : [];
  return [...listed.map(host), ...loopback].toSorted().map((destination) => ({ destination, match: '' }));
}
