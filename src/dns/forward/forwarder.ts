import type { Query } from '../wire/query.ts';

export interface ForwardQuery {
  /** Passed the guard. It is kept until it is answered. */
  readonly query: Query;
  readonly transport: 'udp' | 'tcp';
  /** Address of the client, which may only have so many questions under way. */
  readonly client: string;
  /** What fits for this client. */
  readonly maxBytes: number;
}

export interface Forwarder {
  /**
   * A complete reply for this client. Never rejects: failures are SERVFAIL with an extended error. Synchronous on a hit
   * in the cache, which then costs no promise.
   */
  forward(query: ForwardQuery): Uint8Array | Promise<Uint8Array>;
  /** Gives up what is under way, with SERVFAIL, and closes all sockets. */
  close(): void;
}
