import { expect, test } from 'vitest';
import type { Log } from '../../../src/base/log.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Counters } from '../../../src/dns/counters.ts';
import type { Forwarder } from '../../../src/dns/forward/forwarder.ts';
import { ClientLimit } from '../../../src/dns/server/client-limit.ts';
import { Desk } from '../../../src/dns/server/desk.ts';
import { DnsWorld, queryPacket, summary } from './cluster.ts';
import { CLUSTER } from './objects.ts';

/** A desk whose forwarder does as told, and what it says to one question. */
async function reception(forward: Forwarder['forward'], question: string) {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    error: (line) => void lines.push(line),
    info: (line, fields) => void lines.push(`${line} ${JSON.stringify(fields)}`),
  };
  const { responder } = new DnsWorld(CLUSTER, { forwarder: { forward, close: () => undefined } });
  const counters = new Counters(4);
  const desk = new Desk({ responder, counters, queriesPerClient: 0, queryLog: log, log });
  const [name = '', type = 'A'] = question.split(' ');
  const reply = await new Promise<string | undefined>((resolve) => {
    let said: string | undefined;
    const arrival = { packet: queryPacket(name, type), transport: 'udp', address: '10.0.0.9', port: 4000 } as const;
    desk.take(
      arrival,
      (message) => (said = summary(message)),
      () => resolve(said),
    );
  });
  return { reply, lines, panics: counters.panics };
}

test.each([
  [
    'throws',
    () => {
      throw new Error('a bug');
    },
  ],
  ['rejects', () => Promise.reject(new Error('a bug'))],
] as const)('a forwarder that %s costs one SERVFAIL', async (_what, forward) => {
  const { reply, lines, panics } = await reception(forward, 'example.org A');
  expect([reply, panics]).toEqual(['SERVFAIL', 1]);
  expect(lines[0]).toBe('a query cannot be answered');
});

test('a line for each query', async () => {
  const { lines } = await reception(() => new Uint8Array(), 'web.default.svc.cluster.local AAAA');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^query \{"client":"10\.0\.0\.9","port":4000,"id":4660,"type":"AAAA","name":"web\.default\.svc\.cluster\.local\.","transport":"udp","bytes":47,"rcode":"NOERROR","replyBytes":75,"durationMs":[\d.e-]+,"rule":"cluster-address"\}$/,
  );
});

test('a client has a burst of one second, then a steady flow, whatever others do', () => {
  const limit = new ClientLimit(10);
  const admitted = (client: string, nowMs: number, tries: number): number =>
    Array.from({ length: tries }, () => limit.admits(client, nowMs)).filter(Boolean).length;
  expect(admitted('a', 0, 20)).toBe(10);
  expect(admitted('b', 0, 20)).toBe(10);
  expect(admitted('a', 100, 20)).toBe(1);
  expect(admitted('a', 10_000, 20)).toBe(10);
  for (let i = 0; i < 30_000; i++) limit.admits(`client-${i}`, 10_000);
  expect(admitted('a', 20_000, 20)).toBe(10);
});
