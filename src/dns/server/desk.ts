import type { Log } from '../../base/log.ts';
import type { Counters, Transport } from '../counters.ts';
import { RCODE_NAMES } from '../page.ts';
import type { Handled, Responder } from '../responder.ts';
import { RCODE, typeName } from '../wire/constants.ts';
import { nameText } from '../wire/name.ts';
import type { Query } from '../wire/query.ts';
import { word } from '../wire/query.ts';
import { ClientLimit } from './client-limit.ts';

export interface DeskOptions {
  readonly responder: Responder;
  readonly counters: Counters;
  /** Queries per second and client; 0: any number. */
  readonly queriesPerClient: number;
  /** Where every query is logged; absent: nowhere. */
  readonly queryLog?: Log | undefined;
  /** Told of queries that cannot be answered: a bug, or a forwarder that broke its promise. */
  readonly log: Log;
}

/** A packet and where it came from. */
export interface Arrival {
  readonly packet: Uint8Array;
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
  /** Of a connection: resolves when there is room for another message, with false when it is gone. */
  readonly drained?: () => Promise<boolean>;
}

/** Sends a reply, which is good for the duration of the call only when it `isShared`. */
export type Send = (reply: Uint8Array, isShared: boolean) => void;

/** What all sockets have in common: they bring packets here, and replies, counts and log lines come out. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #limit: ClientLimit | undefined;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#limit = options.queriesPerClient > 0 ? new ClientLimit(options.queriesPerClient) : undefined;
  }

  /** See {@link Responder.keepBuffer}. */
  keepBuffer(): void {
    this.#options.responder.keepBuffer();
  }

  /** Calls `send` once, or not at all, for a whole zone several times; `done` always, when nothing more will come. */
  take(arrival: Arrival, send: Send, done?: () => void): void {
    const startedMs = performance.now();
    if (this.#limit !== undefined && !this.#limit.admits(arrival.address, startedMs)) return done?.();
    const handled = this.#handle(arrival);
    const { reply, replies } = handled;
    if (replies !== undefined) return void this.#takeAll(arrival, { handled, replies, startedMs }, send).finally(done);
    if (reply === undefined) return done?.();
    if (reply instanceof Uint8Array) {
      send(reply, true);
      this.#record(arrival, handled, { reply, startedMs });
      return done?.();
    }
    reply
      .then((late) => {
        send(late, false);
        this.#record(arrival, handled, { reply: late, startedMs });
      })
      .catch((thrown: unknown) => send(this.#failure(arrival, thrown), true))
      .finally(done);
  }

  /** Each message when there is room for it; queries of others are answered in between. */
  async #takeAll(
    arrival: Arrival,
    { handled, replies, startedMs }: { handled: Handled; replies: Iterable<Uint8Array>; startedMs: number },
    send: Send,
  ): Promise<void> {
    try {
      let isFirst = true;
      for (const reply of replies) {
        send(reply, false);
        if (isFirst) this.#record(arrival, handled, { reply, startedMs });
        isFirst = false;
        if ((await arrival.drained?.()) === false) return;
      }
    } catch (thrown) {
      send(this.#failure(arrival, thrown), true);
    }
  }

  /** A mistake in answering one query must not cost the others their server. */
  #handle(arrival: Arrival): Handled {
    try {
      return this.#options.responder.handle(arrival.packet, arrival);
    } catch (thrown) {
      return { reply: this.#failure(arrival, thrown) };
    }
  }

  #failure({ packet }: Arrival, thrown: unknown): Uint8Array {
    this.#options.counters.countPanic();
    this.#options.log.error('a query cannot be answered', { reason: String(thrown) });
    return this.#options.responder.failure(packet);
  }

  #record(arrival: Arrival, { query, finding }: Handled, sent: { reply: Uint8Array; startedMs: number }): void {
    const { counters, queryLog } = this.#options;
    const durationMs = performance.now() - sent.startedMs;
    const rcode = rcodeOf(sent.reply, query);
    counters.count({
      zone: finding?.zone?.place ?? 0,
      transport: arrival.transport,
      isIpv6: arrival.address.includes(':'),
      type: query?.type ?? 0,
      dnssecOk: query?.edns?.dnssecOk === true,
      rcode,
      queryBytes: arrival.packet.length,
      replyBytes: sent.reply.length,
      durationMs,
    });
    if (queryLog === undefined || query === undefined) return;
    queryLog.info('query', {
      client: arrival.address,
      port: arrival.port,
      id: query.id,
      type: typeName(query.type),
      name: nameText(query.name),
      transport: arrival.transport,
      bytes: arrival.packet.length,
      rcode: RCODE_NAMES[rcode] ?? String(rcode),
      replyBytes: sent.reply.length,
      durationMs,
      ...(finding === undefined ? {} : { rule: finding.rule }),
    });
  }
}

/** The upper bits of BADVERS are in the OPT record, so it is told by the query. */
function rcodeOf(reply: Uint8Array, query: Query | undefined): number {
  const isBadVersion = query?.edns !== undefined && query.edns.version > 0;
  return isBadVersion ? RCODE.badVers : word(reply, 2) & 0x0f;
}
