import type { Outcome } from './outcome.ts';
import type { SentQuery } from './question.ts';
import { word } from '../wire/query.ts';
import type { TcpOptions } from './tcp-connection.ts';
import { TcpConnection } from './tcp-connection.ts';

export interface TcpExchangeOptions extends TcpOptions {
  /** True for a query that found an open connection. */
  readonly onReuse: (reused: boolean) => void;
}

/** Asks over TCP, on connections that are kept for the next queries. */
export class TcpExchange {
  readonly #options: TcpExchangeOptions;
  readonly #connections = new Set<TcpConnection>();

  constructor(options: TcpExchangeOptions) {
    this.#options = options;
  }

  async ask(sent: SentQuery, timeoutMs: number): Promise<Outcome> {
    const startedMs = this.#options.clock.now();
    const open = this.#usable(word(sent.packet, 0));
    this.#options.onReuse(open !== undefined);
    const outcome = await (open ?? this.#connect()).ask(sent, timeoutMs);
    if (outcome.ok || outcome.reason !== 'stale') return outcome;
    // Servers close idle connections just when the next query is on its way (RFC 7766, 6.2.4).
    const leftMs = timeoutMs - (this.#options.clock.now() - startedMs);
    return leftMs <= 0 ? outcome : this.#connect().ask(sent, leftMs);
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  #usable(id: number): TcpConnection | undefined {
    return [...this.#connections].find((connection) => connection.accepts(id));
  }

  #connect(): TcpConnection {
    const connection = new TcpConnection(this.#options, (closed) => this.#connections.delete(closed));
    this.#connections.add(connection);
    return connection;
  }
}
