import { parse } from 'yaml';
import type { BackendSettings } from '../../src/backend/contract.ts';
import type { CompileSettings } from '../../src/compiler/plan.ts';
import type { Cidr, IpAddress } from '../../src/model/address.ts';
import { IP_FAMILIES, parseCidr, parseIpAddress } from '../../src/model/address.ts';
import { planTopology } from '../../src/lab/topology.ts';

/** What every scenario runs on, unless its rules say that they are for something else. */
export const TOPOLOGY = planTopology();

export const BACKEND_SETTINGS: BackendSettings = { masqueradeBit: 14, conntrackBeLiberal: false };

/** A `settings.yaml`: a KubeProxyConfiguration as far as rules go, and what is special about the machine or the objects. */
export interface ScenarioSettings {
  readonly compile: CompileSettings;
  /** The same for kube-proxy: the file's fields that it has too, with the lab's pods as cluster. */
  readonly configuration: Fields;
  /** More addresses of the node, on its loopback interface. */
  readonly nodeAddresses: readonly IpAddress[];
  /** What is wrong with the objects, as `describeProblem` says it. */
  readonly problems: readonly string[];
}

/** `undefined` for keys that are absent or hold `null`. */
type Fields = Readonly<Record<string, unknown>>;

const PROXY_KEYS = [
  'masqueradeAll',
  'detectLocalMode',
  'detectLocal',
  'clusterCIDR',
  'nodePortAddresses',
  'iptables',
] as const;

const KEYS = [...PROXY_KEYS, 'nodeAddresses', 'problems'] as const;

const CLUSTER_CIDR = IP_FAMILIES.map((family) => TOPOLOGY.clusterCidrs[family]).join(',');

/** Reads a `settings.yaml`; `undefined` text means that there is none. Defaults are kube-proxy's for the backend. */
export function readSettings(text: string | undefined, backend: string): ScenarioSettings {
  const fields = (text === undefined ? {} : (parse(text) ?? {})) as Fields;
  const unknown = Object.keys(fields).filter((key) => !KEYS.some((known) => known === key));
  if (unknown.length > 0) throw new Error(`settings.yaml: unknown ${unknown.join(', ')}`);
  const localhost = ((fields['iptables'] ?? {}) as Fields)['localhostNodePorts'] ?? true;
  const given = PROXY_KEYS.filter((key) => fields[key] !== undefined).map((key) => [key, fields[key]] as const);
  return {
    configuration: { clusterCIDR: CLUSTER_CIDR, ...Object.fromEntries(given) },
    compile: {
      masqueradeAll: fields['masqueradeAll'] === true,
      detectLocal: detectLocal(fields),
      nodePortAddresses: nodePortAddresses(fields['nodePortAddresses'], backend),
      externalIps: true,
      localhostNodePorts: backend === 'iptables' && localhost === true,
      namesInterfaceAddresses: backend === 'ipvs',
    },
    nodeAddresses: texts(fields['nodeAddresses']).map((address) => parsed(address, parseIpAddress)),
    problems: texts(fields['problems']),
  };
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function parsed<T>(text: string, parser: (text: string) => T | undefined): T {
  const value = parser(text);
  if (value === undefined) throw new Error(`settings.yaml: cannot read ${JSON.stringify(text)}`);
  return value;
}

function detectLocal(fields: Fields): CompileSettings['detectLocal'] {
  const detail = (fields['detectLocal'] ?? {}) as Fields;
  const mode = fields['detectLocalMode'] ?? 'ClusterCIDR';
  switch (mode) {
    case 'ClusterCIDR': {
      const { clusterCIDR } = fields as { clusterCIDR?: string };
      const list = clusterCIDR ?? CLUSTER_CIDR;
      return {
        mode: 'ClusterCIDR',
        clusterCidrs: list === '' ? [] : list.split(',').map((cidr) => parsed(cidr, parseCidr)),
      };
    }
    case 'NodeCIDR':
      return { mode: 'NodeCIDR' };
    case 'BridgeInterface':
      return { mode: 'BridgeInterface', interfaceName: String(detail['bridgeInterface']) };
    case 'InterfaceNamePrefix':
      return { mode: 'InterfaceNamePrefix', prefix: String(detail['interfaceNamePrefix']) };
    default:
      throw new Error(`settings.yaml: unknown detectLocalMode ${JSON.stringify(mode)}`);
  }
}

/** The one default that differs: nftables mode serves the node's primary addresses, the other modes all. */
function nodePortAddresses(value: unknown, backend: string): 'primary' | readonly Cidr[] {
  if (value === undefined) return backend === 'nft' ? 'primary' : [];
  const list = texts(value);
  return list.includes('primary') ? 'primary' : list.map((cidr) => parsed(cidr, parseCidr));
}
