import type { Cidr, IpAddress, IpFamily } from '../model/address.ts';
import { cidrContains, familyOf, isLoopback, prefixLength } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import type { CompileSettings, NodePlan, NodePortAddresses, PodDetector } from './plan.ts';

export interface NodeInputs {
  readonly family: IpFamily;
  readonly node: NodeInfo;
  readonly settings: CompileSettings;
  readonly serviceCidrs: readonly Cidr[];
}

/** Everything that is decided once per node and family. */
export function planNode(inputs: NodeInputs): NodePlan {
  const { family, settings, node } = inputs;
  const podDetector = detectPods(inputs);
  return {
    ...(podDetector === undefined ? {} : { podDetector }),
    nodePortAddresses: selectNodePortAddresses(inputs),
    clusterIpMasquerade: masqueradeOfClusterIps(settings.masqueradeAll, podDetector),
    serviceCidrs: disjointCidrs(inputs.serviceCidrs.filter((cidr) => familyOf(cidr) === family)),
    ...(settings.namesInterfaceAddresses === true && {
      interfaceAddresses: node.interfaceAddresses.filter((address) => familyOf(address) === family).toSorted(),
    }),
  };
}

function masqueradeOfClusterIps(all: boolean, detector: PodDetector | undefined): NodePlan['clusterIpMasquerade'] {
  if (all) return 'always';
  return detector === undefined ? 'never' : 'not-pod';
}

function detectPods({ family, node, settings }: NodeInputs): PodDetector | undefined {
  const { detectLocal } = settings;
  switch (detectLocal.mode) {
    case 'BridgeInterface':
      return { kind: 'bridge', interfaceName: detectLocal.interfaceName };
    case 'InterfaceNamePrefix':
      return { kind: 'interface-prefix', prefix: detectLocal.prefix };
    case 'ClusterCIDR':
      return cidrDetector(detectLocal.clusterCidrs, family);
    case 'NodeCIDR':
      return cidrDetector(node.podCidrs, family);
  }
}

function cidrDetector(cidrs: readonly Cidr[], family: IpFamily): PodDetector | undefined {
  const cidr = cidrs.find((candidate) => familyOf(candidate) === family);
  return cidr === undefined ? undefined : { kind: 'cidr', cidr };
}

/**
 * Rules N1–N4 of the reference. `primary` without a known node address of the family, and a list without a network of
 * the family, mean every address, as in kube-proxy.
 */
function selectNodePortAddresses({ family, node, settings }: NodeInputs): NodePortAddresses {
  const loopbackPossible = settings.localhostNodePorts && family === 'IPv4';
  const choice = settings.nodePortAddresses;
  if (choice === 'primary') {
    const primary = node.addresses.find((address) => familyOf(address) === family && !isLoopback(address));
    return primary === undefined
      ? { kind: 'all', loopback: loopbackPossible }
      : { kind: 'listed', addresses: [primary], loopback: false };
  }
  const cidrs = choice.filter((cidr) => familyOf(cidr) === family);
  if (cidrs.length === 0 || cidrs.some((cidr) => prefixLength(cidr) === 0)) {
    return { kind: 'all', loopback: loopbackPossible };
  }
  const listed = (address: IpAddress): boolean => cidrs.some((cidr) => cidrContains(cidr, address));
  const known = new Set([...node.addresses, ...node.interfaceAddresses]);
  const addresses = [...known].filter((address) => listed(address) && !isLoopback(address)).toSorted();
  return { kind: 'listed', addresses, loopback: loopbackPossible && listed('127.0.0.1' as IpAddress) };
}

/** Sorted, without networks that another one contains (networks either nest or are disjoint). */
export function disjointCidrs(cidrs: readonly Cidr[]): readonly Cidr[] {
  const unique = [...new Set(cidrs)];
  return unique.filter((cidr) => !unique.some((other) => other !== cidr && cidrContains(other, cidr))).toSorted();
}

/** Settings that leave a family without something its operator probably wants, one line each. */
export function nodeWarnings(inputs: NodeInputs): readonly string[] {
  const { family, settings, node } = inputs;
  const warnings: string[] = [];
  if (detectPods(inputs) === undefined) {
    warnings.push(
      `${family}: no pod network is known (${settings.detectLocal.mode}), so pods count as outside clients: externalTrafficPolicy Local does not let them reach endpoints on other nodes`,
    );
  }
  if (settings.nodePortAddresses === 'primary' && !node.addresses.some((address) => familyOf(address) === family)) {
    warnings.push(`${family}: the node has no known address of this family, so NodePorts answer on every address`);
  }
  return warnings;
}
