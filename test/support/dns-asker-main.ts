import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Packet, parseType } from '../../src/dns/codec.ts';
import { composeQuery } from '../../src/dns/wire/compose.ts';
import { encodeName } from '../../src/dns/wire/name.ts';
import type { DnsAnswer, DnsQuestion, DnsSeries } from './dns-asker.ts';

/** Answers lines of JSON on standard output: a question of DNS each, or a series of the same. */
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as DnsQuestion | DnsSeries;
  const reply = 'everyMs' in order ? await series(order) : await ask(order);
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}

async function series(order: DnsSeries): Promise<readonly DnsAnswer[]> {
  const answers: Promise<DnsAnswer>[] = [];
  const endMs = performance.now() + order.durationMs;
  while (performance.now() < endMs) {
    answers.push(ask(order));
    await sleep(order.everyMs);
  }
  return Promise.all(answers);
}

async function ask(question: DnsQuestion): Promise<DnsAnswer> {
  const startedMs = performance.now();
  const query = composeQuery(encodeName(question.name) ?? '', parseType(question.type ?? 'A') ?? 1);
  query.writeUInt16BE(Math.floor(Math.random() * 0x1_0000), 0);
  const reply = await Promise.race([
    question.protocol === 'udp' ? askUdp(query, question) : askTcp(query, question),
    sleep(question.timeoutMs ?? 500, undefined, { ref: false }),
  ]).catch((thrown: unknown) => String(thrown));
  const endedMs = performance.now();
  const when = { ms: endedMs - startedMs, dateMs: performance.timeOrigin + endedMs };
  if (!Buffer.isBuffer(reply)) return { answer: reply ?? 'timeout', ...when };
  const { header, answers } = Packet.parse(reply);
  const texts = answers.map(({ address, domain }) => address ?? domain ?? '').sort();
  return { answer: header.rcode === 0 ? texts.join(' ') : `rcode ${header.rcode}`, ...when };
}

async function askUdp(query: Buffer, { address }: DnsQuestion): Promise<Buffer> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const close = setTimeout(() => socket.close(), 5000);
  try {
    const heard = once(socket, 'message');
    heard.catch(() => undefined);
    socket.connect(53, address);
    await once(socket, 'connect');
    socket.send(query);
    const [reply] = (await heard) as [Buffer];
    socket.close();
    return reply;
  } finally {
    clearTimeout(close);
  }
}

async function askTcp(query: Buffer, { address }: DnsQuestion): Promise<Buffer> {
  const socket = createConnection({ host: address, port: 53, timeout: 5000 });
  socket.on('timeout', () => socket.destroy());
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    const all = Buffer.concat(chunks);
    if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) return all.subarray(2);
  }
  throw new Error('closed');
}
