import type { Socket } from 'node:net';
import { HEADER_BYTES } from '../wire/constants.ts';
import type { Desk } from './desk.ts';
import type { TcpLimits } from './tcp.ts';

const LENGTH_BYTES = 2;

/** Queries of one connection that are being answered; with more the client has to wait. */
const MAX_IN_FLIGHT = 128;

/** Replies that the client does not fetch; with more nothing is read from it. */
const MAX_UNSENT_BYTES = 256 * 1024;

/** One client: queries framed by their length, any number, answered in any order. */
export class TcpConnection {
  readonly #socket: Socket;
  readonly #desk: Desk;
  readonly #limits: TcpLimits;
  readonly #address: string;
  readonly #port: number;
  #received: Buffer = Buffer.alloc(0);
  #inFlight = 0;
  #ended = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(socket: Socket, desk: Desk, limits: TcpLimits) {
    this.#socket = socket;
    this.#desk = desk;
    this.#limits = limits;
    this.#address = socket.remoteAddress ?? '';
    this.#port = socket.remotePort ?? 0;
    socket.setTimeout(limits.idleMs, () => {
      if (this.#inFlight === 0 || socket.writableLength > 0) socket.destroy();
    });
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#readAll();
    });
    socket.on('drain', () => this.#readAll());
    socket.on('end', () => {
      this.#ended = true;
      this.#endWhenDone();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => clearTimeout(this.#deadline));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #readAll(): void {
    while (this.#mayRead()) {
      const size = this.#received.length < LENGTH_BYTES ? undefined : this.#received.readUInt16BE(0);
      // Nothing of that size can be a query, and what comes after it cannot be trusted to be the next one.
      if (size !== undefined && size < HEADER_BYTES) return this.destroy();
      if (size === undefined || this.#received.length < LENGTH_BYTES + size) break;
      const packet = Buffer.from(this.#received.subarray(LENGTH_BYTES, LENGTH_BYTES + size));
      this.#received = this.#received.subarray(LENGTH_BYTES + size);
      this.#watch(false);
      this.#answer(packet);
    }
    this.#watch(this.#received.length > 0 && this.#mayRead());
    if (this.#mayRead()) this.#socket.resume();
    else this.#socket.pause();
    this.#endWhenDone();
  }

  #mayRead(): boolean {
    return !this.#socket.destroyed && this.#inFlight < MAX_IN_FLIGHT && this.#socket.writableLength < MAX_UNSENT_BYTES;
  }

  #answer(packet: Buffer): void {
    let isSync = true;
    this.#inFlight++;
    this.#desk.take(
      {
        packet,
        transport: 'tcp',
        address: this.#address,
        port: this.#port,
        drained: () => this.#drained(),
      },
      (reply) => this.#send(reply),
      () => {
        this.#inFlight--;
        if (!isSync) this.#readAll();
      },
    );
    isSync = false;
  }

  #send(reply: Uint8Array): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    // In one piece, because some clients take the length and the message for two (RFC 7766, 8).
    const framed = Buffer.allocUnsafe(LENGTH_BYTES + reply.length);
    framed.writeUInt16BE(reply.length, 0);
    framed.set(reply, LENGTH_BYTES);
    this.#socket.write(framed);
  }

  /** @returns false when the client has gone. */
  async #drained(): Promise<boolean> {
    const socket = this.#socket;
    if (socket.writableNeedDrain && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        const end = (): void => {
          socket.off('drain', end).off('close', end);
          resolve();
        };
        socket.on('drain', end).on('close', end);
      });
    } else await new Promise((resolve) => setImmediate(resolve));
    return !socket.destroyed;
  }

  /** A query that has begun has to end in time; a trickle of octets does not keep the connection. */
  #watch(isIncomplete: boolean): void {
    if (!isIncomplete) {
      clearTimeout(this.#deadline);
      this.#deadline = undefined;
    } else this.#deadline ??= setTimeout(() => this.destroy(), this.#limits.queryMs);
  }

  /** The client has said all; it still gets its answers. */
  #endWhenDone(): void {
    if (this.#ended && this.#inFlight === 0 && !this.#socket.writableEnded) this.#socket.end();
  }
}
