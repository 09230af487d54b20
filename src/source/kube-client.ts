import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Clock } from '../base/clock.ts';
import { equalData } from '../base/equal.ts';
import type { SluiceError } from '../base/errors.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { KubeConfigOptions } from './kube-config.ts';
import { loadKubeConfig } from './kube-config.ts';
import type { Connection, IdentityOptions } from './kube-identity.ts';
import { Identity } from './kube-identity.ts';
import type { CredentialPlugins } from './kube-plugins.ts';
import type { KubeAnswer, KubeRequest } from './kube-request.ts';
import { exchange, refuseErrors, streamOf, wasStale } from './kube-request.ts';
import { pause } from './pause.ts';
import { TokenBucket } from './token-bucket.ts';

/** Is told about requests, for metrics. */
export interface RequestObserver {
  recordRequest(record: {
    readonly method: string;
    readonly host: string;
    readonly status?: number;
    readonly durationMs: number;
    readonly requestBytes?: number;
  }): void;
  /** The size of an answer; watches have none. */
  recordResponse(record: { readonly method: string; readonly host: string; readonly responseBytes: number }): void;
  recordRetry(record: { readonly method: string; readonly host: string; readonly status?: number }): void;
  recordWait(record: { readonly method: string; readonly host: string; readonly durationMs: number }): void;
}

export interface KubeClientOptions extends KubeConfigOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly observer?: RequestObserver;
  /** Sustained requests per second; negative means no limit. Default 5, as for kube-proxy. */
  readonly qps?: number;
  /** Default 10. */
  readonly burst?: number;
  readonly userAgent?: string;
  readonly headTimeoutMs?: number;
}

/** Talks to an API server: plain HTTP/1.1, one connection per watch that is under way, the rest shared. */
export interface KubeClient {
  /**
   * Sends a request; resolves as soon as a good answer begins.
   *
   * @throws {SluiceError} `api-unreachable`, `api-refused` (see `refusalOf`), and what reading the credentials throws.
   */
  open(request: KubeRequest): Promise<KubeAnswer>;
  /** Sends a request and waits for its end; the answer is not looked at. @throws as {@link open}. */
  send(request: KubeRequest): Promise<void>;
  /** Ends all connections. */
  close(): void;
}

const HEAD_TIMEOUT_MS = 60_000;

const IS_WATCH = /[?&]watch=/;

/** @throws {SluiceError} `file-unreadable`, `bad-yaml`, `bad-config` for a configuration that cannot be used. */
export async function createKubeClient(options: KubeClientOptions): Promise<KubeClient> {
  const { clock, log } = options;
  const identity = new Identity({
    load: () => loadKubeConfig(options),
    askPlugin: pluginAsker(options),
    clock,
    log,
  });
  await identity.current();
  return new Client(options, identity);
}

/**
 * Credential plugins are loaded only when there is one to ask: the client library costs memory and time at the start, and
 * service accounts, tokens and certificates can do without.
 */
function pluginAsker({ kubeconfig = '', clock }: KubeClientOptions): IdentityOptions['askPlugin'] {
  let loaded: Promise<CredentialPlugins> | undefined;
  return async (text, fresh) => {
    loaded ??= import('./kube-plugins.ts').then(({ CredentialPlugins: Plugins }) => new Plugins(kubeconfig, clock));
    return (await loaded).ask(text, fresh);
  };
}

class Client implements KubeClient {
  readonly #options: KubeClientOptions;
  readonly #identity: Identity;
  readonly #bucket: TokenBucket;
  #agent: { readonly agent: HttpAgent; readonly of: Connection } | undefined;

  constructor(options: KubeClientOptions, identity: Identity) {
    this.#options = options;
    this.#identity = identity;
    this.#bucket = new TokenBucket({ perSecond: options.qps || 5, burst: options.burst || 10, clock: options.clock });
  }

  async open(request: KubeRequest): Promise<KubeAnswer> {
    const connection = await this.#identity.current();
    if (request.continues !== true) await this.#waitForTurn(request, connection);
    try {
      return await this.#attempt(request, connection);
    } catch (thrown) {
      const error = toSluiceError(thrown);
      const again = await this.#newChance(error, request, connection);
      if (again === undefined) throw error;
      return this.#attempt(request, again);
    }
  }

  async send(request: KubeRequest): Promise<void> {
    const answer = await this.open(request);
    // Read to its end, so that the connection can be used again.
    for await (const _ of answer.chunks);
  }

  close(): void {
    this.#agent?.agent.destroy();
  }

  async #waitForTurn({ method = 'GET', signal }: KubeRequest, connection: Connection): Promise<void> {
    const { clock, observer } = this.#options;
    const durationMs = this.#bucket.reserve();
    observer?.recordWait({ method, host: hostOf(connection), durationMs });
    if (durationMs > 0) await pause(durationMs, { clock, signal });
  }

  async #attempt(request: KubeRequest, connection: Connection): Promise<KubeAnswer> {
    const { clock, observer, userAgent = 'sluice', headTimeoutMs = HEAD_TIMEOUT_MS } = this.#options;
    const { method = 'GET' } = request;
    const host = hostOf(connection);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const requestBytes = body === undefined ? {} : { requestBytes: Buffer.byteLength(body) };
    const startedMs = clock.now();
    try {
      const answer = await exchange(request, {
        body,
        connection,
        agent: this.#agentFor(connection),
        userAgent,
        clock,
        headTimeoutMs,
      });
      const status = answer.statusCode ?? 0;
      observer?.recordRequest({ method, host, status, durationMs: clock.now() - startedMs, ...requestBytes });
      await refuseErrors(answer, request, clock);
      const what = `${method} ${request.path.replace(/\?.*/, '')}`;
      return streamOf(answer, what, (responseBytes) => {
        if (!IS_WATCH.test(request.path)) observer?.recordResponse({ method, host, responseBytes });
      });
    } catch (thrown) {
      const error = toSluiceError(thrown);
      if (error.code !== 'api-refused') {
        observer?.recordRequest({ method, host, durationMs: clock.now() - startedMs, ...requestBytes });
      }
      throw error;
    }
  }

  /** Credentials that were replaced meanwhile are worth another try at once; so is a connection that had gone stale. */
  async #newChance(error: SluiceError, request: KubeRequest, before: Connection): Promise<Connection | undefined> {
    const { method = 'GET', signal } = request;
    const status = error.code === 'api-refused' ? (error.data['status'] as number) : undefined;
    if (signal?.aborted === true || (status !== undefined && status !== 401)) return undefined;
    if (wasStale(error) && method === 'GET') return before;
    this.#identity.invalidate(status === 401 ? 'refused' : 'unreachable');
    const now = await this.#identity.current();
    if (now === before) return undefined;
    this.#options.observer?.recordRetry({ method, host: hostOf(now), ...(status === undefined ? {} : { status }) });
    return now;
  }

  /** A new agent when there are other certificates; requests under way keep their connections. */
  #agentFor(connection: Connection): HttpAgent {
    const known = this.#agent;
    if (known?.of.proxyUrl === connection.proxyUrl && equalData(known?.of.tls, connection.tls) && known !== undefined)
      return known.agent;
    for (const socket of Object.values(known?.agent.freeSockets ?? {}).flatMap((sockets) => sockets ?? [])) {
      socket.destroy();
    }
    const { proxyUrl } = connection;
    const proxyEnv = proxyUrl === undefined ? {} : { proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } };
    const agent = connection.server.startsWith('https:')
      ? new HttpsAgent({ keepAlive: true, ...proxyEnv, ...connection.tls })
      : new HttpAgent({ keepAlive: true, ...proxyEnv });
    this.#agent = { agent, of: connection };
    return agent;
  }
}

function hostOf({ server }: Connection): string {
  return new URL(server).host;
}
