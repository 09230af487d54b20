import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Log } from '../../base/log.ts';
import type { ListenPoint } from './listen-point.ts';
import { cannotListen } from './listen-point.ts';
import type { Desk } from './desk.ts';

/** Room for a burst while the thread is busy; the kernel grants what `net.core.rmem_max` allows. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export interface ServerOptions {
  readonly desk: Desk;
  readonly listen: ListenPoint;
  /** Other threads listen there too, and the kernel spreads the clients. */
  readonly shared: boolean;
  readonly log: Log;
}

/** Answers over UDP. */
export class UdpServer {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** @throws {SluiceError} `address-unavailable`. */
  static async listen({ desk, listen, shared, log }: ServerOptions): Promise<UdpServer> {
    const isIpv6 = listen.host.includes(':');
    const socket = createSocket({
      type: isIpv6 ? 'udp6' : 'udp4',
      ipv6Only: isIpv6,
      reusePort: shared,
      // Destinations are addresses already; without this each reply takes a detour through a resolver.
      lookup: (host, _options, found) => found(null, host, isIpv6 ? 6 : 4),
    });
    try {
      const listening = once(socket, 'listening'); // The event may come from within bind().
      socket.bind({ address: listen.host, port: listen.port });
      await listening;
    } catch (cause) {
      socket.close();
      throw cannotListen(listen, 'UDP', cause);
    }
    setReceiveBuffer(socket);
    socket.on('error', (error) => log.warn('a UDP socket failed', { reason: error.message }));
    const reply = sender(socket, desk);
    socket.on('message', (packet, { address, port }) => {
      desk.take({ packet, transport: 'udp', address, port }, (message, isShared) => {
        reply({ message, isShared, address, port });
      });
    });
    return new UdpServer(socket);
  }

  /** Where it really listens. */
  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }
}

interface Outgoing {
  readonly message: Uint8Array;
  readonly isShared: boolean;
  readonly address: string;
  readonly port: number;
}

/** Sends at once as a rule; what the kernel does not take at once keeps its buffer until it does. */
function sender(socket: Socket, desk: Desk): (outgoing: Outgoing) => void {
  return ({ message, isShared, address, port }) => {
    try {
      socket.send(message, 0, message.length, port, address);
    } catch {
      return; // Closed meanwhile, or a source port 0: nobody is there to be told.
    }
    if (isShared && socket.getSendQueueCount() > 0) desk.keepBuffer();
  };
}

function setReceiveBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // A smaller one does, too.
  }
}
