import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ApiUpstream, Refused } from '../../src/lab/api/api-upstream.ts';
import { collectionPath, refuse } from '../../src/lab/api/api-upstream.ts';
import type { Certificate } from '../../src/lab/api/certificates.ts';
import { interceptBody } from './intercept-body.ts';

export interface ServerTls extends Certificate {
  /** Only clients with a certificate of this authority are known. */
  readonly clientCa?: string;
}

/** What is wrong with a server at the moment; all of it can be changed while it runs. */
export interface Faults {
  /** Requests are taken and never answered. */
  mute: boolean;
  /** So many requests are refused like this. */
  refusals: (Refused & { readonly times: number; readonly only?: (url: string) => boolean }) | undefined;
  /** So many lists end half way: by a broken connection, or as if they were complete. */
  cutLists: { readonly times: number; readonly how: 'broken' | 'clean' } | undefined;
  /** A list takes so long, in ten pieces. */
  listMs: number;
  /** Watches end as soon as they have begun. */
  closesWatches: boolean;
}

interface OpenWatch {
  readonly kindPath: string;
  readonly response: ServerResponse;
}

/** An API server that speaks for a cluster, on a loopback port of its own, and fails on demand. */
export class FaultyApiServer {
  readonly #upstream: ApiUpstream;
  readonly #watches = new Set<OpenWatch>();
  readonly faults: Faults = { mute: false, refusals: undefined, cutLists: undefined, listMs: 0, closesWatches: false };
  /** Bearer tokens that are good; `undefined` when nobody is asked. */
  tokens: ReadonlySet<string> | undefined;
  /** Addresses that were asked for. */
  readonly requests: string[] = [];
  #server: Server | undefined;
  #tls: ServerTls | undefined;
  #port = 0;

  constructor(upstream: ApiUpstream, tls?: ServerTls) {
    this.#upstream = upstream;
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls === undefined ? 'http' : 'https'}://127.0.0.1:${this.#port}`;
  }

  /** How many watches of a kind, or of all, are open. */
  watches(kind?: string): number {
    return this.#watchesOf(kind).length;
  }

  /** Always on the same port. */
  async start(tls: ServerTls | undefined = this.#tls): Promise<void> {
    this.#tls = tls;
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    const server =
      tls === undefined
        ? createHttpServer(handle)
        : createHttpsServer(
            {
              key: tls.key,
              cert: tls.cert,
              ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: false }),
            },
            handle,
          );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  async restart(tls?: ServerTls): Promise<void> {
    await this.stop();
    await this.start(tls);
  }

  /** Ends watches as servers do after some minutes. */
  endWatches(kind?: string): void {
    for (const { response } of this.#watchesOf(kind)) response.end();
  }

  /** Resets the connections of watches. */
  breakWatches(kind?: string): void {
    for (const { response } of this.#watchesOf(kind)) response.socket?.resetAndDestroy();
  }

  /** Nothing more comes over the connections of the watches that are open now, not even their end. */
  freezeWatches(): void {
    for (const watch of this.#watchesOf()) {
      watch.response.write = () => true;
      watch.response.end = () => watch.response;
      this.#watches.delete(watch);
    }
  }

  /** Says something in the watches of a kind. */
  inject(kind: string, text: string): void {
    for (const { response } of this.#watchesOf(kind)) response.write(text);
  }

  #watchesOf(kind?: string): readonly OpenWatch[] {
    return [...this.#watches].filter(({ kindPath }) => kind === undefined || kindPath === collectionPath(kind));
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { url = '' } = request;
    this.requests.push(url);
    const { faults } = this;
    if (faults.mute) return;
    if (!this.#isKnown(request)) return refuse(response, { status: 401, reason: 'Unauthorized' });
    const { refusals } = faults;
    if (refusals !== undefined && refusals.only?.(url) !== false) {
      faults.refusals = refusals.times > 1 ? { ...refusals, times: refusals.times - 1 } : undefined;
      return refuse(response, refusals);
    }
    const isWatch = url.includes('watch=true');
    if (isWatch && !faults.closesWatches) this.#remember({ kindPath: url.replace(/\?.*/, ''), response });
    const { cutLists } = faults;
    if ((!isWatch || url.includes('sendInitialEvents')) && cutLists !== undefined) {
      faults.cutLists = cutLists.times > 1 ? { ...cutLists, times: cutLists.times - 1 } : undefined;
      interceptBody(response, { cut: cutLists.how, takesMs: 0 });
    } else if (faults.listMs > 0) interceptBody(response, { takesMs: faults.listMs });
    this.#upstream.handle(request, response);
    if (isWatch && faults.closesWatches) response.end();
  }

  #remember(watch: OpenWatch): void {
    this.#watches.add(watch);
    watch.response.on('close', () => this.#watches.delete(watch));
  }

  #isKnown(request: IncomingMessage): boolean {
    if (this.#tls?.clientCa !== undefined && !(request.socket as TLSSocket).authorized) return false;
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    return this.tokens?.has(token) ?? true;
  }
}
