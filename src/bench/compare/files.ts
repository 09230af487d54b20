import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../base/errors.ts';
import { CLUSTER_CIDR, NODE_NAME } from './workload.ts';

/** kube-proxy's names for the ways of writing rules. */
export const PROXY_MODES = ['nftables', 'iptables', 'ipvs'] as const;

export type ProxyMode = (typeof PROXY_MODES)[number];

/** On all addresses of the node's namespace: the benchmark looks from another one. */
export const METRICS_PORT = 10_249;

export interface ConfigOptions {
  readonly kubeconfig: string;
  readonly mode: ProxyMode;
  /** As in the file, `1s`; absent: whatever the contender's default is. */
  readonly minSyncPeriod?: string | undefined;
}

/**
 * A KubeProxyConfiguration in JSON, which is YAML. What would change the machine beyond the namespace (connection tracking limits, the
 * memory killer's preference) is told to be left alone; all else has its default.
 */
export function proxyConfig({ kubeconfig, mode, minSyncPeriod }: ConfigOptions): string {
  const section = minSyncPeriod === undefined ? {} : { [mode]: { minSyncPeriod } };
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    ...section,
    clusterCIDR: CLUSTER_CIDR,
    hostnameOverride: NODE_NAME,
    clientConnection: { kubeconfig },
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    metricsBindAddress: `0.0.0.0:${METRICS_PORT}`,
    oomScoreAdj: 0,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** A kubeconfig: how to reach an API server that asks nobody who they are. */
export function apiAccess(server: string): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server } }],
    users: [{ name: 'bench', user: {} }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

const PLACEHOLDER = /\{config(?::(\w+))?\}/g;

/**
 * Modes of the configuration files that a command asks for: `{config}` is one of the mode of the benchmark, `{config:iptables}` one of
 * that mode.
 *
 * @throws {SluiceError} `bad-config` for a command without `{config}`, and for a mode that there is not.
 */
export function modesIn(command: string, mode: ProxyMode): readonly ProxyMode[] {
  const found = [...command.matchAll(PLACEHOLDER)].map(([, name = mode]) => modeNamed(name, command));
  if (found.length > 0) return found;
  throw new SluiceError({
    code: 'bad-config',
    message: `--peer: "${command}" has no {config}`,
    hint: 'that is where the name of the generated configuration file goes: --peer "kube-proxy --config {config}"',
  });
}

function modeNamed(name: string, command: string): ProxyMode {
  const mode = PROXY_MODES.find((one) => one === name);
  if (mode !== undefined) return mode;
  throw new SluiceError({
    code: 'bad-config',
    message: `--peer: "${command}": there is no mode ${name}, only ${PROXY_MODES.join(', ')}`,
  });
}

/** The configuration files of one API server, in a folder of their own. */
export class ConfigFiles {
  readonly #folder: string;
  readonly #mode: ProxyMode;

  private constructor(folder: string, mode: ProxyMode) {
    this.#folder = folder;
    this.#mode = mode;
  }

  static async write(options: {
    readonly server: string;
    readonly mode: ProxyMode;
    readonly minSyncPeriod: string | undefined;
    /** Where the folder is made. Default: /run, which a private namespace has to itself, so that nothing stays in any case. */
    readonly parent?: string;
  }): Promise<ConfigFiles> {
    const folder = await mkdtemp(join(options.parent ?? '/run', 'sluice-bench-'));
    const files = new ConfigFiles(folder, options.mode);
    const credentials = join(folder, 'kubeconfig');
    await writeFile(credentials, apiAccess(options.server));
    for (const mode of PROXY_MODES) {
      await writeFile(files.#pathOf(mode), proxyConfig({ ...options, kubeconfig: credentials, mode }));
    }
    return files;
  }

  /** The command, with names of files for placeholders. */
  fill(command: string): string {
    return command.replaceAll(PLACEHOLDER, (_, name: string = this.#mode) => this.#pathOf(modeNamed(name, command)));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #pathOf(mode: ProxyMode): string {
    return join(this.#folder, `${mode}.conf`);
  }
}
