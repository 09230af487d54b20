import type { Cidr, IpAddress } from '../model/address.ts';
import { familyOf, IP_FAMILIES } from '../model/address.ts';
import type { GateName } from './gates.ts';
import { resolveGates } from './gates.ts';
import type { OptionKey, OptionValues } from './options.ts';
import type { OptionProblem } from './problems.ts';
import type { ListenAddress, ProxyMode } from './values.ts';
import { durationText, parseProxyMode } from './values.ts';

/** How the pods of this node are recognised. */
export type DetectLocal =
  | { readonly mode: 'ClusterCIDR'; readonly clusterCidrs: readonly Cidr[] }
  | { readonly mode: 'NodeCIDR' }
  | { readonly mode: 'BridgeInterface'; readonly interfaceName: string }
  | { readonly mode: 'InterfaceNamePrefix'; readonly prefix: string };

/** What follows from several options together. */
export interface Derived {
  /** The mode of kube-proxy that the backend stands for. */
  readonly proxyMode: ProxyMode;
  /** The mode whose own options count (`--ipvs-sync-period`, `nftables.masqueradeAll`): the file's, else the backend's. */
  readonly optionsMode: ProxyMode;
  readonly detectLocal: DetectLocal;
  /** No more than one sync in this time; 0: no delay. */
  readonly minSyncPeriodMs: number;
  /** How often the kernel is verified; 0: only when somebody else has written. */
  readonly syncPeriodMs: number;
  /** Where health is served; `undefined`: nowhere. */
  readonly healthzAddress: ListenAddress | undefined;
  /** Where metrics are served; `undefined`: nowhere. */
  readonly metricsAddress: ListenAddress | undefined;
  /** The state of every feature gate that a proxy knows. */
  readonly gates: Readonly<Record<GateName, boolean>>;
  /** Do externalIPs get rules? */
  readonly allowExternalIps: boolean;
}

/**
 * What the place that gave `from` calls the option `key`, for messages; `from` is the option itself where it is left out.
 */
export type NameOf = (key: OptionKey, from?: OptionKey) => string;

interface Deriving {
  readonly values: OptionValues;
  /** The mode of the file, if there is one. */
  readonly fileMode: ProxyMode | undefined;
  readonly nameOf: NameOf;
  readonly problems: OptionProblem[];
}

const DEFAULT_SYNC_PERIOD_MS = 3_600_000;
const IPTABLES_PERIODS = ['iptablesMinSyncPeriodMs', 'iptablesSyncPeriodMs'] as const;
const IPVS_PERIODS = ['ipvsMinSyncPeriodMs', 'ipvsSyncPeriodMs'] as const;
const HEALTHZ_PORT = 10_256;
const METRICS_PORT = 10_249;

/** @returns `undefined` when options contradict one another; then `problems` has grown. */
export function derive(deriving: Deriving): Derived | undefined {
  const { values, fileMode, nameOf, problems } = deriving;
  const proxyMode = parseProxyMode(values.backend ?? '') ?? 'nftables';
  const optionsMode = fileMode ?? proxyMode;
  const detectLocal = resolveDetectLocal(deriving);
  const periods = resolvePeriods(deriving, optionsMode);
  if (values.againstManifests.length > 0 && values.against === 'empty') {
    problems.push({ option: nameOf('againstManifests'), reason: 'cannot be combined with --against empty' });
  }
  if (problems.length > 0 || detectLocal === undefined) return undefined;
  const gates = resolveGates(values.featureGates);
  return {
    proxyMode,
    optionsMode,
    detectLocal,
    ...periods,
    ...resolveListeners(values),
    gates,
    allowExternalIps: gates.AllowServiceExternalIPs,
  };
}

function resolveDetectLocal({ values, nameOf, problems }: Deriving): DetectLocal | undefined {
  const { detectLocalMode: mode, clusterCidrs, podBridgeInterface, podInterfaceNamePrefix } = values;
  const missing = (key: OptionKey): undefined => {
    const needed = `is needed with ${nameOf('detectLocalMode')} ${mode}`;
    problems.push({ option: nameOf(key, 'detectLocalMode'), reason: needed });
  };
  switch (mode) {
    case 'ClusterCIDR':
      for (const family of IP_FAMILIES) {
        const second = clusterCidrs.filter((cidr) => familyOf(cidr) === family)[1];
        if (second !== undefined) {
          problems.push({ option: nameOf('clusterCidrs'), value: second, reason: `is a second ${family} network` });
        }
      }
      return { mode, clusterCidrs };
    case 'NodeCIDR':
      return { mode };
    case 'BridgeInterface':
      return podBridgeInterface === undefined
        ? missing('podBridgeInterface')
        : { mode, interfaceName: podBridgeInterface };
    case 'InterfaceNamePrefix':
      return podInterfaceNamePrefix === undefined
        ? missing('podInterfaceNamePrefix')
        : { mode, prefix: podInterfaceNamePrefix };
  }
}

/** Our own periods, else those of the mode, else no delay and a verification every hour. */
function resolvePeriods(
  { values, nameOf, problems }: Deriving,
  mode: ProxyMode,
): Pick<Derived, 'minSyncPeriodMs' | 'syncPeriodMs'> {
  const [minKey, maxKey] = mode === 'ipvs' ? IPVS_PERIODS : IPTABLES_PERIODS;
  const minSyncPeriodMs = values.ownMinSyncPeriodMs ?? values[minKey] ?? 0;
  const syncPeriodMs = values.ownSyncPeriodMs ?? values[maxKey] ?? DEFAULT_SYNC_PERIOD_MS;
  if (syncPeriodMs > 0 && minSyncPeriodMs > syncPeriodMs) {
    problems.push({
      option: nameOf(values.ownMinSyncPeriodMs === undefined ? minKey : 'ownMinSyncPeriodMs'),
      value: durationText(minSyncPeriodMs),
      reason: `is longer than the sync period, ${durationText(syncPeriodMs)}`,
    });
  }
  return { minSyncPeriodMs, syncPeriodMs };
}

/** Addresses as kube-proxy fills them in; unlike there, the metrics server can be switched off as well. */
function resolveListeners(values: OptionValues): Pick<Derived, 'healthzAddress' | 'metricsAddress'> {
  const ipv6 = familyOf(values.bindAddress) === 'IPv6';
  const any = { host: ipv6 ? '::' : '0.0.0.0', port: HEALTHZ_PORT };
  const loopback = { host: ipv6 ? '::1' : '127.0.0.1', port: METRICS_PORT };
  return {
    healthzAddress: listenAddress(values.healthzBindAddress, values.healthzPort, any),
    metricsAddress: listenAddress(values.metricsBindAddress, values.metricsPort, loopback),
  };
}

function listenAddress(
  given: OptionValues['healthzBindAddress'],
  port: number | undefined,
  fallback: { readonly host: string; readonly port: number },
): ListenAddress | undefined {
  if (port === 0) return undefined;
  if (given === undefined) return { host: fallback.host as IpAddress, port: fallback.port };
  return { host: given.host, port: given.port ?? port ?? fallback.port };
}

/** The deprecated port flags that change nothing, as in kube-proxy: only an address without a port takes theirs. */
export function idlePortOptions(values: OptionValues): readonly ('healthzPort' | 'metricsPort')[] {
  const isIdle = (port: number | undefined, address: OptionValues['healthzBindAddress']) =>
    port !== undefined && port !== 0 && (address === undefined || address.port !== undefined);
  return [
    ...(isIdle(values.healthzPort, values.healthzBindAddress) ? (['healthzPort'] as const) : []),
    ...(isIdle(values.metricsPort, values.metricsBindAddress) ? (['metricsPort'] as const) : []),
  ];
}
