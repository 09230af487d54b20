import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DnsServer } from '../../../src/dns/server.ts';
import { HEADER_BYTES } from '../../../src/dns/wire/constants.ts';
import { isRefusal, parseQuery, word } from '../../../src/dns/wire/query.ts';
import { generator, makePacket } from './damage.ts';
import { HOST, startServer } from './started-server.ts';

/** For each protocol: a million together. */
const PACKETS = 500_000;
/** As many as fit into the buffers of sockets. */
const WINDOW = 100;

let server: DnsServer;
beforeAll(async () => {
  server = await startServer();
}, 30_000);
afterAll(() => server.stop());

function isAnswered(packet: Buffer): boolean {
  const parsed = parseQuery(packet);
  return !isRefusal(parsed) || parsed.refusal !== 'silence';
}

test('over UDP every packet that can be read is answered', { timeout: 120_000 }, async () => {
  const random = generator(1);
  const socket = createSocket('udp4');
  socket.connect(server.ports[0] ?? 0, HOST);
  await once(socket, 'connect');
  let left = 0;
  let landed = (): void => {};
  socket.on('message', () => {
    if (--left === 0) landed();
  });
  for (let sent = 0; sent < PACKETS; sent += WINDOW) {
    const packets = Array.from({ length: WINDOW }, () => makePacket(random));
    left = packets.filter(isAnswered).length;
    const all = new Promise<void>((resolve) => (landed = resolve));
    for (const packet of packets) socket.send(packet);
    await all;
  }
  socket.close();
  expect(server.counters[0]?.panics).toBe(0);
});

test('over TCP every packet that can be read is answered, in whatever pieces it comes', {
  timeout: 120_000,
}, async () => {
  const random = generator(2);
  const socket = connect(server.ports[0] ?? 0, HOST);
  const wanted: number[] = [];
  const pieces: Buffer[] = [];
  for (let sent = 0; sent < PACKETS; sent++) {
    const packet = makePacket(random);
    // What is shorter ends the connection: what follows could not be told from it.
    if (packet.length < HEADER_BYTES) continue;
    if (isAnswered(packet)) wanted.push(word(packet, 0));
    pieces.push(Buffer.from([packet.length >> 8, packet.length & 0xff]), packet);
  }
  const stream = Buffer.concat(pieces);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  const closed = once(socket, 'close');
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random(4000);
    if (!socket.write(stream.subarray(at, end))) await once(socket, 'drain');
    at = end;
  }
  socket.end();
  await closed;
  const replies = Buffer.concat(chunks);
  const got: number[] = [];
  for (let at = 0; at < replies.length; at += 2 + word(replies, at)) got.push(word(replies, at + 2));
  expect(got).toEqual(wanted);
  expect(server.counters[0]?.panics).toBe(0);
});
