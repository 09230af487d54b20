import { dirname, isAbsolute, join } from 'node:path';
import { SluiceError } from '../base/errors.ts';
import { parseYaml } from '../base/yaml.ts';
import type { Field } from '../model/fields.ts';
import { decodeObject } from '../model/fields.ts';
import { readText } from './read-file.ts';

/** Where to find the API server, as kube-proxy's flags say it. */
export interface KubeConfigOptions {
  /** Path of a kubeconfig file. Neither this nor {@link master} means the service account of the pod. */
  readonly kubeconfig?: string;
  /** Address of the API server that counts more than that of the kubeconfig; alone it means no authentication. */
  readonly master?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: where the kubelet mounts it. */
  readonly serviceAccountFolder?: string;
}

/** A value that is given, or is to be read from a file each time because somebody rotates it. */
export type Source = { readonly text: string } | { readonly file: string };

/** How to reach an API server and who to be there, before any file but the kubeconfig itself is read. */
export interface KubeConfig {
  /** Scheme, host, port and path, without a slash at its end. */
  readonly server: string;
  readonly proxyUrl?: string;
  readonly serverName?: string;
  readonly insecure: boolean;
  readonly ca?: Source;
  readonly certificate?: Source;
  readonly key?: Source;
  readonly token?: Source;
  readonly basic?: string;
  /** Impersonation. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** Text of the kubeconfig when its user has a plugin (`exec`, `auth-provider`), which only the client library knows. */
  readonly pluginText?: string;
}

const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Reads the configuration; called again whenever credentials may have changed.
 *
 * @throws {SluiceError} `file-unreadable`, `bad-yaml`, `bad-config`.
 */
export async function loadKubeConfig(options: KubeConfigOptions): Promise<KubeConfig> {
  const { kubeconfig = '', master = '' } = options;
  if (kubeconfig === '' && master === '') return inCluster(options);
  if (kubeconfig === '') return { server: serverUrl(master, false), insecure: false, headers: {} };
  const text = await readText(kubeconfig);
  const [document] = parseYaml(text, { dialect: 'go' });
  if (document?.problem !== undefined) {
    throw new SluiceError({ code: 'bad-yaml', message: `${kubeconfig}: ${document.problem.message}` });
  }
  const label = { kind: 'kubeconfig', object: kubeconfig };
  const { value, problems } = decodeObject(
    document?.value ?? {},
    () => label,
    (root) => decodeKubeConfig(root, { folder: dirname(kubeconfig), master, text }),
  );
  const [problem] = problems;
  if (value === undefined || problem !== undefined) {
    const reason = problem === undefined ? 'is empty' : `${problem.path}: ${problem.message}`;
    throw badConfig(`kubeconfig ${kubeconfig}: ${reason}`);
  }
  return value;
}

function inCluster({ env = process.env, serviceAccountFolder: folder = SERVICE_ACCOUNT_FOLDER }: KubeConfigOptions) {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '';
  if (host === '' || port === '') {
    throw new SluiceError({
      code: 'bad-config',
      message: 'this is not a pod of a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set',
      hint: 'name a kubeconfig file, the address of the API server, or manifests',
    });
  }
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    insecure: false,
    ca: { file: join(folder, 'ca.crt') },
    token: { file: join(folder, 'token') },
    headers: {},
  };
}

interface Surroundings {
  /** What relative paths are relative to. */
  readonly folder: string;
  readonly master: string;
  readonly text: string;
}

function decodeKubeConfig(root: Field, { folder, master, text }: Surroundings): KubeConfig {
  const current = root.get('current-context').string() ?? '';
  const context = current === '' ? undefined : named(root, { list: 'contexts', part: 'context', name: current });
  const clusterName = context?.get('cluster').required((field) => field.string());
  const userName = context?.get('user').string() ?? '';
  const cluster =
    clusterName === undefined ? undefined : named(root, { list: 'clusters', part: 'cluster', name: clusterName });
  const user = userName === '' ? undefined : named(root, { list: 'users', part: 'user', name: userName });
  if (cluster === undefined && master === '') root.get('current-context').fail('is missing');
  const { insecure, ...trust } = decodeTrust(cluster, folder);
  const identity = decodeUser(user, folder);
  const address = master === '' ? (cluster?.get('server').required((field) => field.string()) ?? '') : master;
  const secure = trust.ca !== undefined || identity.certificate !== undefined || insecure;
  const hasPlugin = user?.get('exec').present === true || user?.get('auth-provider').present === true;
  return {
    server: serverUrl(address, secure),
    insecure,
    ...trust,
    ...identity,
    ...(hasPlugin ? { pluginText: text } : {}),
  };
}

function named(root: Field, { list, part, name }: { list: string; part: string; name: string }): Field {
  const entry = root
    .get(list)
    .items()
    .find((item) => item.get('name').string() === name);
  return entry?.get(part) ?? root.get(list).fail(`has no entry "${name}"`);
}

function decodeTrust(cluster: Field | undefined, folder: string) {
  const proxyUrl = cluster?.get('proxy-url').string() ?? '';
  const serverName = cluster?.get('tls-server-name').string() ?? '';
  const ca = source(cluster, { name: 'certificate-authority', folder });
  if (proxyUrl !== '' && !/^https?:\/\//.test(proxyUrl))
    cluster?.get('proxy-url').fail('is not an http or https address');
  return {
    insecure: cluster?.get('insecure-skip-tls-verify').boolean() ?? false,
    ...(proxyUrl === '' ? {} : { proxyUrl }),
    ...(serverName === '' ? {} : { serverName }),
    ...(ca === undefined ? {} : { ca }),
  };
}

function decodeUser(user: Field | undefined, folder: string) {
  const certificate = source(user, { name: 'client-certificate', folder });
  const key = source(user, { name: 'client-key', folder });
  const tokenFile = user?.get('tokenFile').string() ?? '';
  const tokenText = user?.get('token').string() ?? '';
  const token = tokenFile === '' ? { text: tokenText } : { file: absolute(tokenFile, folder) };
  const username = user?.get('username').string() ?? '';
  const password = user?.get('password').string() ?? '';
  return {
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
    ...(tokenFile === '' && tokenText === '' ? {} : { token }),
    ...(username === '' ? {} : { basic: Buffer.from(`${username}:${password}`).toString('base64') }),
    headers: user === undefined ? {} : impersonation(user),
  };
}

function impersonation(user: Field): KubeConfig['headers'] {
  const name = user.get('as').string() ?? '';
  const uid = user.get('as-uid').string() ?? '';
  const groups = user
    .get('as-groups')
    .items()
    .map((item) => item.required((field) => field.string()));
  return {
    ...(name === '' ? {} : { 'Impersonate-User': name }),
    ...(uid === '' ? {} : { 'Impersonate-Uid': uid }),
    ...(groups.length === 0 ? {} : { 'Impersonate-Group': groups }),
  };
}

/** `<name>-data` (base64) counts more than the file `<name>`, as in client-go. */
function source(parent: Field | undefined, { name, folder }: { name: string; folder: string }): Source | undefined {
  const data = parent?.get(`${name}-data`).string() ?? '';
  if (data !== '') return { text: Buffer.from(data, 'base64').toString('utf8') };
  const file = parent?.get(name).string() ?? '';
  return file === '' ? undefined : { file: absolute(file, folder) };
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

/** `host:port` alone means HTTPS when there is something to do it with, as in client-go. */
function serverUrl(address: string, secure: boolean): string {
  const url = /^https?:\/\//.test(address) ? address : `${secure ? 'https' : 'http'}://${address}`;
  if (!URL.canParse(url)) throw badConfig(`"${address}" is not the address of a server`);
  return url.replace(/\/+$/, '');
}

function badConfig(message: string): SluiceError {
  return new SluiceError({ code: 'bad-config', message });
}
