import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import type { DnsQuery, DnsReply } from './message.ts';
import { packetOf, readReply } from './message.ts';

/** Nobody needs that long for a question that is answered from memory, or by an upstream on the same machine. */
const PATIENCE_MS = 5000;

type Waiting = Map<number, (packet: Buffer) => void>;

/** Asks one server on loopback, many questions at a time. */
export class DnsClient {
  readonly #port: number;
  readonly #udp: UdpSocket;
  readonly #waiting: { readonly udp: Waiting; readonly tcp: Waiting } = { udp: new Map(), tcp: new Map() };
  #tcp: Socket | undefined;
  #id = 0;

  private constructor(port: number, udp: UdpSocket) {
    this.#port = port;
    this.#udp = udp;
    udp.on('message', (packet) => this.#hear('udp', packet));
    udp.on('error', () => undefined); // Nobody listens there yet.
  }

  static async connect(port: number): Promise<DnsClient> {
    const udp = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
    const connected = once(udp, 'connect');
    udp.connect(port, '127.0.0.1');
    await connected;
    return new DnsClient(port, udp);
  }

  /** @returns `undefined` when there is no reply. @throws when it cannot be read. */
  ask(query: DnsQuery, patienceMs?: number): Promise<DnsReply | undefined> {
    return this.send(query.transport, (id) => packetOf(query, id), patienceMs);
  }

  /** The same with any packet. */
  async send(
    transport: DnsQuery['transport'],
    packetNumbered: (id: number) => Buffer,
    patienceMs = PATIENCE_MS,
  ): Promise<DnsReply | undefined> {
    const id = ++this.#id & 0xff_ff;
    const packet = packetNumbered(id);
    const waiting = this.#waiting[transport];
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    waiting.set(id, resolve);
    const timer = setTimeout(() => resolve(undefined), patienceMs);
    if (transport === 'udp') this.#udp.send(packet);
    else this.#stream().write(Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 0xff]), packet]));
    const reply = await promise;
    clearTimeout(timer);
    waiting.delete(id);
    return reply === undefined ? undefined : readReply(reply);
  }

  /** The next question over TCP gets a connection of its own: servers end those on which nothing happens. */
  hangUp(): void {
    this.#tcp?.destroy();
    this.#tcp = undefined;
  }

  close(): void {
    this.#udp.close();
    this.hangUp();
  }

  /** The one connection, made anew when there is none. */
  #stream(): Socket {
    if (this.#tcp !== undefined) return this.#tcp;
    const socket = createConnection(this.#port, '127.0.0.1');
    this.#tcp = socket;
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        this.#hear('tcp', received.subarray(2, end));
        received = received.subarray(end);
      }
    });
    const forget = (): void => void (this.#tcp = this.#tcp === socket ? undefined : this.#tcp);
    socket.on('error', forget).on('end', forget).on('close', forget);
    return socket;
  }

  #hear(transport: 'udp' | 'tcp', packet: Buffer): void {
    this.#waiting[transport].get(packet.readUInt16BE(0))?.(packet);
  }
}
