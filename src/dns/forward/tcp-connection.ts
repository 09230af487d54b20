import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { word } from '../wire/query.ts';
import type { Endpoint } from './endpoint.ts';
import { hostText } from './endpoint.ts';
import type { Outcome } from './outcome.ts';
import type { SentQuery } from './question.ts';
import { matchResponse } from './question.ts';

export interface TcpOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  /** A connection without queries is closed after this. */
  readonly idleMs: number;
}

interface Pending {
  readonly sent: SentQuery;
  readonly finish: (outcome: Outcome) => void;
}

const LENGTH_BYTES = 2;

/** With more, one lost segment would hold up too many. */
const MAX_PENDING = 32;

/** One connection to an upstream, with any number of queries under way whose answers come in any order (RFC 7766). */
export class TcpConnection {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #socket: Socket;
  readonly #onClose: (connection: TcpConnection) => void;
  readonly #pending = new Map<number, Pending>();
  #received: Buffer = Buffer.alloc(0);
  #answered = 0;
  #isSuspect = false;
  #isClosed = false;
  #cancelIdle: () => void = () => {};

  constructor({ endpoint, clock, idleMs }: TcpOptions, onClose: (connection: TcpConnection) => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#onClose = onClose;
    this.#socket = connect({ host: hostText(endpoint), port: endpoint.port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('error', (error) => this.#end('error', error.message));
    this.#socket.on('close', () => this.#end('error', 'the upstream closed the connection'));
  }

  /**
   * Whether a query may be sent here. An id that another query has would make their answers indistinguishable; and where an
   * answer did not come, the connection may be dead without anybody having said so.
   */
  accepts(id: number): boolean {
    return !this.#isSuspect && this.#pending.size < MAX_PENDING && !this.#pending.has(id);
  }

  ask(sent: SentQuery, timeoutMs: number): Promise<Outcome> {
    this.#cancelIdle();
    const id = word(sent.packet, 0);
    return new Promise((resolve) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        this.#isSuspect = true;
        finish({ ok: false, reason: 'timeout', detail: `no answer over TCP within ${Math.round(timeoutMs)} ms` });
      });
      const finish = (outcome: Outcome): void => {
        cancelTimer();
        this.#pending.delete(id);
        resolve(outcome);
        if (this.#pending.size === 0 && !this.#isClosed) this.#rest();
      };
      this.#pending.set(id, { sent, finish });
      const frame = Buffer.allocUnsafe(LENGTH_BYTES + sent.packet.length);
      frame.writeUInt16BE(sent.packet.length, 0);
      frame.set(sent.packet, LENGTH_BYTES);
      this.#socket.write(frame);
    });
  }

  close(): void {
    this.#end('closed', 'stopping');
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + word(this.#received, 0);
      if (this.#received.length < end) return;
      this.#deliver(this.#received.subarray(LENGTH_BYTES, end));
      this.#received = this.#received.subarray(end);
    }
  }

  /** Late answers, whose query was given up, are dropped. */
  #deliver(message: Buffer): void {
    const pending = this.#pending.get(word(message, 0));
    if (pending === undefined) return;
    const match = matchResponse(pending.sent, message);
    if (match === 'other') return;
    this.#answered++;
    pending.finish({ ok: true, message, match });
  }

  /** Nothing is under way. */
  #rest(): void {
    if (this.#isSuspect) this.#end('closed', 'went silent');
    else this.#cancelIdle = this.#clock.after(this.#idleMs, () => this.#end('closed', 'idle'));
  }

  #end(reason: 'error' | 'closed', detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelIdle();
    this.#socket.destroy();
    this.#onClose(this);
    const wasUseful = this.#answered > 0 && reason === 'error';
    for (const { finish } of this.#pending.values()) {
      finish({ ok: false, reason: wasUseful ? 'stale' : reason, detail });
    }
  }
}
