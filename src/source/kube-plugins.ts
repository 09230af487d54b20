import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../base/clock.ts';
import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { PluginCredentials } from './kube-identity.ts';

const PLUGIN_TIMEOUT_MS = 60_000;

/** Plugins of kubeconfig users (`exec`, `auth-provider`), by the client library, which keeps what they say for as long as it is good. */
export class CredentialPlugins {
  readonly #path: string;
  readonly #clock: Clock;
  #known: { readonly text: string; readonly ask: () => Promise<PluginCredentials> } | undefined;

  /** @param path of the kubeconfig, which the paths in it are relative to. */
  constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  /**
   * @param text of the kubeconfig.
   * @param fresh forget what was said before.
   * @throws {SluiceError} `bad-config` when the plugin fails or does not answer.
   */
  ask(text: string, fresh: boolean): Promise<PluginCredentials> {
    if (fresh || this.#known?.text !== text) this.#known = { text, ask: this.#open(text) };
    const { ask } = this.#known;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(PLUGIN_TIMEOUT_MS, () => reject(badPlugin('did not answer in time')));
      const fail = (thrown: unknown) => reject(badPlugin(`failed: ${toSluiceError(thrown).message.trim()}`));
      void ask().then(resolve, fail).finally(cancel);
    });
  }

  #open(text: string): () => Promise<PluginCredentials> {
    const config = new KubeConfig();
    config.loadFromString(text);
    const exec = config.getCurrentUser()?.exec as ExecPlugin | null | undefined;
    if (exec !== null && exec !== undefined) exec.env = [...(exec.env ?? []), execInfo(exec)];
    config.makePathsAbsolute(this.#path.replace(/[^/]*$/, '') || '.');
    return async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      const headers = (options.headers ?? {}) as Readonly<Record<string, unknown>>;
      const authorization = headers['Authorization'];
      return {
        ...(typeof authorization === 'string' ? { authorization } : {}),
        ...(options.cert === undefined ? {} : { cert: textOf(options.cert) }),
        ...(options.key === undefined ? {} : { key: textOf(options.key) }),
      };
    };
  }
}

/** PEM, as the library passes it on: text or bytes. */
function textOf(pem: NonNullable<RequestOptions['cert'] | RequestOptions['key']>): string {
  return typeof pem === 'string' ? pem : (pem as Buffer).toString('utf8');
}

interface ExecPlugin {
  readonly apiVersion?: string;
  env?: { readonly name: string; readonly value: string }[];
}

/** What client-go tells its plugins (client.authentication.k8s.io); some insist on it. */
function execInfo({ apiVersion = 'client.authentication.k8s.io/v1' }: ExecPlugin) {
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  return { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) };
}

function badPlugin(reason: string): SluiceError {
  return new SluiceError({ code: 'bad-config', message: `the credential plugin of the kubeconfig ${reason}` });
}
