import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Clock } from '../../../../src/base/clock.ts';
import type { Log } from '../../../../src/base/log.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { ForwardConfig } from '../../../../src/dns/forward/config.ts';
import { DEFAULT_FORWARD_CONFIG } from '../../../../src/dns/forward/config.ts';
import { CachingForwarder } from '../../../../src/dns/forward/forwarder.ts';
import type { ForwardQuery } from '../../../../src/dns/forward/forwarder.ts';
import type { ScannedMessage } from '../../../../src/dns/forward/scan.ts';
import { scanMessage } from '../../../../src/dns/forward/scan.ts';
import { OptRecords } from '../../../../src/dns/opt.ts';
import { RCODE } from '../../../../src/dns/wire/constants.ts';
import type { Query } from '../../../../src/dns/wire/query.ts';
import { isRefusal, parseQuery } from '../../../../src/dns/wire/query.ts';
import { a, key, query, response } from './messages.ts';

/** One query as the upstream saw it. */
export interface Seen {
  readonly query: Query;
  readonly transport: 'udp' | 'tcp';
  readonly sourcePort: number;
}

/** What to send for a query, in this order; a number is a pause in milliseconds, `hang up` ends a TCP connection. */
export type Script = (seen: Seen) => readonly (Uint8Array | number | 'hang up')[];

/** A name server on loopback, UDP and TCP on the same port, that does what a test says. */
export class FakeUpstream {
  readonly seen: Seen[] = [];
  connections = 0;
  script: Script;
  readonly #host: string;
  readonly #udp: UdpSocket;
  readonly #tcp: Server = createServer({ noDelay: true }, (socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();

  private constructor(script: Script, host: string) {
    this.script = script;
    this.#host = host;
    this.#udp = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  }

  static async start(script: Script, host = '127.0.0.1'): Promise<FakeUpstream> {
    const fake = new FakeUpstream(script, host);
    fake.#tcp.listen(0, host);
    await once(fake.#tcp, 'listening');
    fake.#udp.on('message', (packet, { port: sourcePort }) => {
      void fake.#answer(packet, { transport: 'udp', sourcePort }, (message) => {
        if (message !== 'hang up') fake.#udp.send(message, sourcePort, host);
      });
    });
    fake.#udp.bind((fake.#tcp.address() as AddressInfo).port, host);
    await once(fake.#udp, 'listening');
    return fake;
  }

  get address(): string {
    const { port } = this.#tcp.address() as AddressInfo;
    return this.#host.includes(':') ? `[${this.#host}]:${port}` : `${this.#host}:${port}`;
  }

  /** Queries but for probes of health. */
  get questions(): readonly Seen[] {
    return this.seen.filter((seen) => seen.query.name !== key('.'));
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.connections++;
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const packet = Buffer.from(received.subarray(2, end));
        received = received.subarray(end);
        void this.#answer(packet, { transport: 'tcp', sourcePort: socket.remotePort ?? 0 }, (message) => {
          if (message === 'hang up') return void socket.destroy();
          // In two parts, so that answers have to be put together.
          socket.write(Uint8Array.of(message.length >> 8));
          socket.write(Buffer.concat([Uint8Array.of(message.length & 0xff), message]));
        });
      }
    });
  }

  async #answer(
    packet: Buffer,
    from: Omit<Seen, 'query'>,
    send: (message: Uint8Array | 'hang up') => void,
  ): Promise<void> {
    const parsed = parseQuery(packet);
    if (isRefusal(parsed)) return;
    const seen = { query: parsed, ...from };
    this.seen.push(seen);
    for (const step of this.script(seen)) {
      if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step));
      else send(step);
    }
  }
}

/** One that stops when the test is over. */
export async function upstream(script: Script, host?: string): Promise<FakeUpstream> {
  const fake = await FakeUpstream.start(script, host);
  onTestFinished(() => fake.stop());
  return fake;
}

/** As the server has them by default. */
export const OPT = new OptRecords({ maxUdpBytes: 1232, nsid: '' });

export const WWW = query('www.example.org');

/** The answer to {@link WWW}. */
export function answer({ query: asked }: Seen, address = '192.0.2.1'): Buffer {
  return response(asked, { answer: [a('www.example.org', address)], opt: true });
}

export const good: Script = (seen) => [answer(seen)];
export const failing: Script = ({ query: asked }) => [response(asked, { rcode: RCODE.servFail })];
export const silent: Script = () => [];

/** A forwarder with the defaults, but for what is given; it is closed when the test is over. */
export function forwarder(
  upstreams: readonly FakeUpstream[],
  {
    clock = systemClock,
    privateZones = [],
    ownAddresses = [],
    log = silentLog,
    cache = {},
    ...config
  }: Partial<Omit<ForwardConfig, 'cache'>> & {
    cache?: Partial<ForwardConfig['cache']>;
    clock?: Clock;
    privateZones?: readonly string[];
    ownAddresses?: readonly string[];
    log?: Log;
  } = {},
): CachingForwarder {
  const made = new CachingForwarder(
    {
      ...DEFAULT_FORWARD_CONFIG,
      policy: 'sequential',
      upstreams: upstreams.map(({ address }) => address),
      ...config,
      cache: { ...DEFAULT_FORWARD_CONFIG.cache, ...cache },
    },
    { clock, log, opt: OPT, ownAddresses, privateZones: privateZones.map(key) },
  );
  onTestFinished(() => made.close());
  return made;
}

/** Asks and takes the reply apart. */
export async function ask(
  to: CachingForwarder,
  asked: Query,
  how: Partial<ForwardQuery> = {},
): Promise<ScannedMessage> {
  const reply = await to.forward({ query: asked, transport: 'udp', client: '10.0.0.1', maxBytes: 1232, ...how });
  const message = scanMessage(reply);
  if (message === undefined) throw new Error(`unreadable reply ${Buffer.from(reply).toString('hex')}`);
  return message;
}

/** Waits until something is so, on a busy machine too. */
export function eventually<T>(read: () => T): ReturnType<typeof expect.poll<T>> {
  return expect.poll(read, { timeout: 15_000 });
}
