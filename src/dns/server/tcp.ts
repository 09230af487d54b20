import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { cannotListen } from './listen-point.ts';
import { TcpConnection } from './tcp-connection.ts';
import type { ServerOptions } from './udp.ts';

export interface TcpLimits {
  /** Of one thread. */
  readonly connections: number;
  readonly connectionsPerClient: number;
  readonly idleMs: number;
  /** From the first octet of a query to its last. */
  readonly queryMs: number;
}

const TCP_LIMITS: TcpLimits = { connections: 1000, connectionsPerClient: 100, idleMs: 10_000, queryMs: 3000 };

export interface TcpServerOptions extends ServerOptions {
  readonly limits?: TcpLimits;
}

/** Answers over TCP: every address that has UDP has it too (RFC 7766). */
export class TcpServer {
  readonly #server: Server;
  readonly #connections = new Set<TcpConnection>();
  readonly #perClient = new Map<string, number>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @throws {SluiceError} `address-unavailable`. */
  static async listen(options: TcpServerOptions): Promise<TcpServer> {
    const { listen, shared, log, limits = TCP_LIMITS } = options;
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const self = new TcpServer(server);
    server.maxConnections = limits.connections;
    server.on('connection', (socket) => self.#accept(socket, options, limits));
    try {
      server.listen({ host: listen.host, port: listen.port, ipv6Only: listen.host.includes(':'), reusePort: shared });
      await once(server, 'listening');
    } catch (cause) {
      throw cannotListen(listen, 'TCP', cause);
    }
    server.on('error', (error) => log.warn('a TCP listener failed', { reason: error.message }));
    return self;
  }

  /** Stops listening and ends every connection. */
  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #accept(socket: Socket, { desk }: TcpServerOptions, limits: TcpLimits): void {
    const client = socket.remoteAddress;
    const count = this.#perClient.get(client ?? '') ?? 0;
    if (client === undefined || count >= limits.connectionsPerClient) {
      socket.destroy();
      return;
    }
    this.#perClient.set(client, count + 1);
    const connection = new TcpConnection(socket, desk, limits);
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      const left = (this.#perClient.get(client) ?? 1) - 1;
      if (left === 0) this.#perClient.delete(client);
      else this.#perClient.set(client, left);
    });
  }
}
