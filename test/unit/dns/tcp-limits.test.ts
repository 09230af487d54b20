import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Counters } from '../../../src/dns/counters.ts';
import { Desk } from '../../../src/dns/server/desk.ts';
import type { TcpLimits } from '../../../src/dns/server/tcp.ts';
import { TcpServer } from '../../../src/dns/server/tcp.ts';
import { UdpServer } from '../../../src/dns/server/udp.ts';
import { DnsWorld, queryPacket } from './cluster.ts';
import { CLUSTER } from './objects.ts';

const HOST = '127.0.0.1' as never;
const QUERY = queryPacket('web.default.svc.cluster.local', 'A');
const FRAMED = Buffer.concat([Buffer.from([0, QUERY.length]), QUERY]);
/** More queries than the kernel keeps for both sides. */
const FLOOD = 20_000;
const FLOODS = 60;

const PATIENT: TcpLimits = { connections: 1000, connectionsPerClient: 100, idleMs: 60_000, queryMs: 60_000 };

/** A server, and how to connect to it from any loopback address. */
async function start(limits: Partial<TcpLimits>) {
  const { responder } = new DnsWorld(CLUSTER);
  const counters = new Counters(4);
  const desk = new Desk({ responder, counters, queriesPerClient: 0, log: silentLog });
  const shared = { desk, shared: false, log: silentLog };
  // The kernel chooses a port for UDP; TCP has the same.
  const udp = await UdpServer.listen({ ...shared, listen: { host: HOST, port: 0 } });
  const { port } = udp;
  const tcp = await TcpServer.listen({ ...shared, listen: { host: HOST, port }, limits: { ...PATIENT, ...limits } });
  onTestFinished(() => {
    udp.close();
    tcp.close();
  });
  const open = (from = '127.0.0.1'): Socket => {
    const socket = connect({ port, host: HOST, localAddress: from });
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  return { open, counters };
}

/** Resolves when a connection is at its end, an orderly one or not. */
function closed(socket: Socket): Promise<'closed'> {
  return new Promise((resolve) => void socket.once('close', () => resolve('closed')));
}

/** Whether a query on this connection is answered; otherwise it was closed. */
async function isServed(socket: Socket): Promise<boolean> {
  socket.write(FRAMED);
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

test('a client has only so many connections, others have theirs, and what is closed is free again', async () => {
  const { open } = await start({ connectionsPerClient: 3 });
  const first = [open(), open(), open()];
  for (const socket of first) expect(await isServed(socket)).toBe(true);
  expect(await isServed(open())).toBe(false);
  expect(await isServed(open('127.0.0.2'))).toBe(true);
  first[0]?.destroy();
  await expect.poll(() => isServed(open()), { timeout: 10_000 }).toBe(true);
});

test('all clients together have only so many', async () => {
  const { open } = await start({ connections: 40, connectionsPerClient: 2 });
  const sockets = Array.from({ length: 60 }, (_, i) => open(`127.0.1.${1 + Math.floor(i / 2)}`));
  const served = await Promise.all(sockets.map(isServed));
  expect(served.filter(Boolean)).toHaveLength(40);
});

test('who says nothing is let go, who asks now and then is not', async () => {
  const { open } = await start({ idleMs: 2000 });
  const [silent, busy] = [open(), open()];
  const end = closed(silent);
  const over = new AbortController();
  const kept = (async () => {
    while (!over.signal.aborted) {
      expect(await isServed(busy)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  expect(await end).toBe('closed');
  over.abort();
  await kept;
});

test('a trickle of octets does not keep a connection', async () => {
  const { open } = await start({ queryMs: 300 });
  const socket = open();
  const trickle = setInterval(() => socket.write(Buffer.of(0x20)), 20);
  onTestFinished(() => clearInterval(trickle));
  expect(await closed(socket)).toBe('closed');
});

test('who asks without end and fetches nothing is read no further, and let go', async () => {
  const { open, counters } = await start({ idleMs: 500 });
  const socket = open();
  await once(socket, 'connect');
  socket.pause();
  const flood = Buffer.concat(Array.from({ length: FLOOD }, () => FRAMED));
  const end = closed(socket);
  for (let i = 0; i < FLOODS; i++) socket.write(flood);
  expect(await end).toBe('closed');
  expect(counters.responses(1, 0)).toBeGreaterThan(0);
  expect(counters.responses(1, 0)).toBeLessThan(FLOODS * FLOOD);
});
