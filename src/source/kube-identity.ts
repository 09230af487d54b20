import type { Clock } from '../base/clock.ts';
import { equalData } from '../base/equal.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeConfig, Source } from './kube-config.ts';
import { readText } from './read-file.ts';

/** Everything that a request to the API server needs besides what it asks. */
export interface Connection {
  /** Scheme, host, port and path, without a slash at its end. */
  readonly server: string;
  readonly proxyUrl?: string;
  readonly tls: TlsSettings;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** As `node:tls` names them. */
export interface TlsSettings {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

/** What a plugin of a kubeconfig (`exec`, `auth-provider`) came up with. */
export interface PluginCredentials {
  readonly authorization?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface IdentityOptions {
  readonly load: () => Promise<KubeConfig>;
  /** @param fresh what the plugin gave before was refused. */
  readonly askPlugin: (pluginText: string, fresh: boolean) => Promise<PluginCredentials>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Bound tokens are replaced by the kubelet long before they end; client-go looks once a minute as well. */
const MAX_AGE_MS = 60_000;

/**
 * Who we are to the API server. All files are read again when they may have changed: after a minute, and as soon as the
 * server refused what they said. The same content gives the same object.
 */
export class Identity {
  readonly #options: IdentityOptions;
  #connection: Connection | undefined;
  #readMs = 0;
  #refused = false;
  #reading: Promise<Connection> | undefined;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /**
   * Files that cannot be read any more leave what they said before in force, with a warning.
   *
   * @throws {SluiceError} `file-unreadable`, `bad-yaml`, `bad-config`, and only if there is nothing to go on with.
   */
  async current(): Promise<Connection> {
    const isOld = this.#options.clock.now() - this.#readMs >= MAX_AGE_MS;
    if (this.#connection !== undefined && !isOld) return this.#connection;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  /** The server did not take it, or could not be trusted: the next {@link current} looks for something newer. */
  invalidate(reason: 'refused' | 'unreachable'): void {
    this.#readMs = Number.NEGATIVE_INFINITY;
    this.#refused ||= reason === 'refused';
  }

  async #read(): Promise<Connection> {
    const { load, askPlugin, clock, log } = this.#options;
    const fresh = this.#refused;
    this.#refused = false;
    this.#readMs = clock.now();
    try {
      const config = await load();
      const plugin = config.pluginText === undefined ? {} : await askPlugin(config.pluginText, fresh);
      const connection = await connectionFrom(config, plugin);
      if (this.#connection === undefined || !equalData(connection, this.#connection)) this.#connection = connection;
      return this.#connection;
    } catch (thrown) {
      if (this.#connection === undefined) throw thrown;
      const { message, code, hint } = toSluiceError(thrown);
      log.warn(`${message}; going on with the credentials read before`, { code, hint });
      return this.#connection;
    }
  }
}

async function connectionFrom(config: KubeConfig, plugin: PluginCredentials): Promise<Connection> {
  const [ca, certificate, key, token] = await Promise.all(
    [config.ca, config.certificate, config.key, config.token].map(textOf),
  );
  const cert = plugin.cert ?? certificate;
  const privateKey = plugin.key ?? key;
  const authorization = authorizationFrom({ plugin, token: token?.trim(), basic: config.basic });
  return {
    server: config.server,
    ...(config.proxyUrl === undefined ? {} : { proxyUrl: config.proxyUrl }),
    tls: {
      rejectUnauthorized: !config.insecure,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
      ...(config.serverName === undefined ? {} : { servername: config.serverName }),
    },
    headers: { ...config.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) },
  };
}

interface Proofs {
  readonly plugin: PluginCredentials;
  readonly token: string | undefined;
  readonly basic: string | undefined;
}

function authorizationFrom({ plugin, token, basic }: Proofs): string | undefined {
  if (token !== undefined && token !== '') return `Bearer ${token}`;
  if (plugin.authorization !== undefined) return plugin.authorization;
  return basic === undefined ? undefined : `Basic ${basic}`;
}

async function textOf(source: Source | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  return 'text' in source ? source.text : readText(source.file);
}
