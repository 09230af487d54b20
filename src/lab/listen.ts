import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { createServer, isIPv6 } from 'node:net';
import { greeting } from './outcome.ts';
import type { ListenParams, Server } from './protocol.ts';
import { startSctpServer } from './sctp.ts';

/** Starts the server that `listen` asks for. Rejects with the system's error when the address cannot be bound. */
export function startServer(params: ListenParams): Promise<Server> {
  switch (params.protocol) {
    case 'tcp':
      return startTcpServer(params);
    case 'udp':
      return startUdpServer(params);
    case 'sctp':
      return startSctpServer(params);
  }
}

async function startTcpServer(params: ListenParams): Promise<Server> {
  const connections = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    // Probes end with a reset, so that no port stays in TIME_WAIT.
    socket.on('error', () => socket.destroy());
    socket.write(greeting(params.name, socket.remoteAddress ?? '', socket.remotePort ?? 0));
    socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: params.address, port: params.port, ipv6Only: true, backlog: 4096 }, resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : params.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.destroy();
      }),
  };
}

async function startUdpServer(params: ListenParams): Promise<Server> {
  const ipv6 = isIPv6(params.address);
  const socket = createSocket({ type: ipv6 ? 'udp6' : 'udp4', ipv6Only: ipv6 });
  socket.on('message', (_message, client) => {
    // The client may be gone, or a firewall may refuse: a datagram gives no promise.
    socket.send(greeting(params.name, client.address, client.port), client.port, client.address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ address: params.address, port: params.port }, resolve);
  });
  socket.on('error', () => undefined);
  return { port: socket.address().port, close: () => new Promise((resolve) => socket.close(() => resolve())) };
}
