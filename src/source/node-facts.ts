import { SluiceError } from '../base/errors.ts';
import type { Cidr, IpAddress } from '../model/address.ts';
import { familyOf, isUnusableAsEndpoint, parseIpAddress } from '../model/address.ts';
import type { NodeFacts } from '../model/decode-node.ts';
import type { NodeInfo } from '../model/node.ts';

/** What the operator says about the node, which counts more than what its Node object says. */
export interface NodeOverrides {
  readonly name?: string;
  /** Replaces the addresses of the families that it has one of. */
  readonly addresses: readonly IpAddress[];
  readonly zone?: string;
  /** Replaces the pod networks of the families that it has one of. */
  readonly podCidrs: readonly Cidr[];
}

/** What the machine says of itself. */
export interface Machine {
  readonly hostname: string;
  /** As text, in the order of the interfaces; what is no address is left out. */
  readonly interfaceAddresses: readonly string[];
}

export interface NodeSources {
  readonly overrides: NodeOverrides;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  readonly machine: Machine;
}

/**
 * The node that rules are made for: the one that was named, else the only one there is, else the one called like this
 * machine. Without a Node object it still has a name, and what the overrides and the machine say: of a family that
 * neither knows an address of, the addresses of the machine's interfaces count.
 *
 * @throws {SluiceError} `bad-config` when the name is blank.
 */
export function nodeInfoFrom({ overrides, nodes, machine }: NodeSources): NodeInfo {
  const [only] = nodes.size === 1 ? nodes.keys() : [];
  const name = (overrides.name ?? only ?? machine.hostname).trim().toLowerCase();
  if (name === '') throw new SluiceError({ code: 'bad-config', message: 'the name of the node is blank' });
  const facts = nodes.get(name);
  const interfaces = machine.interfaceAddresses.map(parseIpAddress).filter((address) => address !== undefined);
  const zone = overrides.zone ?? facts?.zone;
  return {
    name,
    addresses: overlay(overlay(overrides.addresses, facts?.addresses ?? []), interfaces.filter(isReachable)),
    interfaceAddresses: [...new Set(interfaces)],
    ...(zone === undefined ? {} : { zone }),
    podCidrs: overlay(overrides.podCidrs, facts?.podCidrs ?? []),
  };
}

/** Can others reach the node there? */
function isReachable(address: IpAddress): boolean {
  return !isUnusableAsEndpoint(address);
}

/** The first list, and of the second what is of a family that the first has nothing of. */
function overlay<T extends IpAddress | Cidr>(wanted: readonly T[], known: readonly T[]): readonly T[] {
  const families = new Set(wanted.map(familyOf));
  return [...wanted, ...known.filter((item) => !families.has(familyOf(item)))];
}
