import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { parseIpAddress } from '../model/address.ts';
import type { HttpHandler } from './http-exchange.ts';
import { readRequest, sendReply, textReply } from './http-exchange.ts';
import type { ListenAddress } from './listen-address.ts';
import { describeListenAddress } from './listen-address.ts';

export interface HttpServerOptions {
  /** For messages: `health`, `metrics`, … */
  readonly name: string;
  readonly address: ListenAddress;
  readonly handler: HttpHandler;
  readonly clock: Clock;
  readonly log: Log;
  /** A port that cannot be had: `retry` tries again every 5 s, `fail` makes `start` throw (kube-proxy's bindAddressHardFail). */
  readonly whenUnavailable: 'retry' | 'fail';
}

const RETRY_MS = 5000;

/** How long requests under way may still take when the server is closed. */
const GRACE_MS = 1000;

/** For clients that send or read too slowly. */
const STALLED_MS = 30_000;

/** Longer than the usual distance of two scrapes, so that they can share a connection. */
const KEEP_ALIVE_MS = 75_000;

const MAX_CONNECTIONS = 512;

/** Errors that mean that this kernel has no IPv6, so that `::` cannot stand for both families. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL', 'EPROTONOSUPPORT']);

/** One listener for plain HTTP, with limits that keep a stray client from costing anything. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        maxHeaderSize: 8192,
        headersTimeout: 5000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 10_000,
        keepAliveTimeout: KEEP_ALIVE_MS,
      },
      (incoming, response) => {
        void this.#answer(incoming, response);
      },
    );
    this.#server.timeout = STALLED_MS;
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Where it really listens; `undefined` as long as it does not. */
  get address(): ListenAddress | undefined {
    const bound = this.#server.address() as AddressInfo | null;
    const host = bound === null ? undefined : parseIpAddress(bound.address);
    return bound === null || host === undefined ? undefined : { host, port: bound.port };
  }

  /**
   * Resolves when it listens, or when the first attempt failed and another is due.
   *
   * @throws {SluiceError} `address-unavailable`, when it was told not to try again.
   */
  async start(): Promise<void> {
    const { name, address, clock, log, whenUnavailable } = this.#options;
    try {
      await listen(this.#server, address);
      log.debug(`${name} server is listening`, { address: describeListenAddress(this.address ?? address) });
      if (this.#closed) this.#server.close();
    } catch (thrown) {
      const error = unavailable(name, address, thrown);
      if (whenUnavailable === 'fail') throw error;
      if (this.#closed) return;
      // Every attempt fails the same way: once is enough for the log.
      if (this.#failures++ === 0) log.error(`${error.message}; trying again every 5 s`, { hint: error.hint });
      this.#cancelRetry = clock.after(RETRY_MS, () => void this.start());
    }
  }

  /** Frees the port at once and resolves when all connections are closed, within a second. */
  async close(): Promise<void> {
    this.#cancelRetry?.();
    this.#closed = true;
    if (!this.#server.listening) return;
    const cancel = this.#options.clock.after(GRACE_MS, () => this.#server.closeAllConnections());
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    cancel();
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    // The handler takes the time it needs; only the client's part is limited.
    incoming.socket.setTimeout(0);
    const { handler, log, name } = this.#options;
    const reply = await (async () => {
      try {
        return await handler(readRequest(incoming, gone.signal));
      } catch (thrown) {
        log.error(`${name} server cannot answer ${incoming.url ?? ''}`, { reason: String(thrown) });
        return textReply(500, 'internal error\n');
      }
    })();
    if (response.destroyed) return;
    incoming.socket.setTimeout(STALLED_MS);
    sendReply(incoming, response, reply);
  }
}

async function listen(server: Server, { host, port, singleFamily = false }: ListenAddress): Promise<void> {
  const everywhere = host === '0.0.0.0' || host === '::';
  if (!everywhere || singleFamily) {
    await tryListen(server, { host, port, ipv6Only: singleFamily });
    return;
  }
  try {
    await tryListen(server, { host: '::', port, ipv6Only: false });
  } catch (thrown) {
    if (host === '::' || !NO_IPV6.has(codeOf(thrown))) throw thrown;
    await tryListen(server, { host, port, ipv6Only: false });
  }
}

function tryListen(server: Server, options: { host: string; port: number; ipv6Only: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => () => {
      server.removeListener('error', failed);
      server.removeListener('listening', succeeded);
      finish();
    };
    const failed = (error: Error): void => settle(() => reject(error))();
    const succeeded = settle(resolve);
    server.once('error', failed);
    server.once('listening', succeeded);
    server.listen(options);
  });
}

function codeOf(thrown: unknown): string {
  return String((thrown as NodeJS.ErrnoException).code);
}

function unavailable(name: string, address: ListenAddress, cause: unknown): SluiceError {
  const where = describeListenAddress(address);
  const taken = codeOf(cause) === 'EADDRINUSE';
  return new SluiceError({
    code: 'address-unavailable',
    message: `the ${name} server cannot listen on ${where}: ${(cause as Error).message}`,
    hint: taken
      ? 'another program has the port: stop it, or choose another address'
      : 'choose an address that this machine has',
    cause,
    data: { address: where },
  });
}
