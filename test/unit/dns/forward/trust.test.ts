import { describe, expect, test } from 'vitest';
import { FLAG, RCODE, TYPE } from '../../../../src/dns/wire/constants.ts';
import type { Seen } from './fake-upstream.ts';
import { answer, ask, forwarder, good, upstream, WWW } from './fake-upstream.ts';
import { key } from './messages.ts';

/** The answer with some octets changed. */
function bent(seen: Seen, bend: (bytes: Buffer) => void): Buffer {
  const bytes = answer(seen, '203.0.113.66');
  bend(bytes);
  return bytes;
}

/** Lets everybody wait for an answer that fits. */
const FORGED: readonly [what: string, bend: (bytes: Buffer) => void][] = [
  ['another id', (bytes) => bytes.writeUInt16BE(bytes.readUInt16BE(0) ^ 1, 0)],
  ['another name', (bytes) => bytes.writeUInt8(0x78, 13)],
  ['another type', (bytes) => bytes.writeUInt8(TYPE.AAAA, WWW.questionEnd - 3)],
  ['another class', (bytes) => bytes.writeUInt8(3, WWW.questionEnd - 1)],
  ['a query', (bytes) => bytes.writeUInt16BE(FLAG.recursionDesired, 2)],
  ['another opcode', (bytes) => bytes.writeUInt16BE(FLAG.response | 0x28_00, 2)],
  ['no question', (bytes) => bytes.writeUInt16BE(0, 4)],
];

describe('what does not fit the query', () => {
  test.each(FORGED)('%s: is passed over', async (_what, bend) => {
    const fake = await upstream((seen) => [bent(seen, bend), 5, answer(seen)]);
    const to = forwarder([fake]);
    const [record] = (await ask(to, WWW)).records;
    expect(record?.owner).toBe(key('www.example.org'));
    expect(to.counters()).toMatchObject({ drops: 1, upstreams: [{ mismatches: 1 }] });
    expect(fake.questions).toHaveLength(1);
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['less than a header', Buffer.from('short')],
    ['noise', Buffer.alloc(400, 0xa5)],
  ])('%s: is passed over', async (_what, bytes) => {
    const fake = await upstream((seen) => [bytes, 5, answer(seen)]);
    expect((await ask(forwarder([fake]), WWW)).records).toHaveLength(1);
  });

  test('too often, and the question is asked over TCP', async () => {
    const fake = await upstream((seen) => {
      const wrong = bent(seen, (bytes) => bytes.writeUInt16BE(bytes.readUInt16BE(0) ^ 1, 0));
      return seen.transport === 'udp' ? [wrong, wrong, wrong, wrong] : [answer(seen)];
    });
    const to = forwarder([fake]);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect(fake.questions.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  test('a garbled answer makes it ask another upstream', async () => {
    const broken = await upstream((seen) => [answer(seen).subarray(0, -14)]);
    const fine = await upstream(good);
    const to = forwarder([broken, fine]);
    const reply = await ask(to, WWW);
    expect([reply.rcode, reply.records.length]).toEqual([RCODE.noError, 1]);
    expect(to.counters().drops).toBe(1);
  });
});

describe('what a forger has to guess', () => {
  test('ports and ids are others each time', async () => {
    const fake = await upstream(good);
    const to = forwarder([fake], { cache: { maxTtlS: 0 } });
    for (let i = 0; i < 30; i++) await ask(to, WWW);
    expect(new Set(fake.seen.map(({ sourcePort }) => sourcePort)).size).toBeGreaterThan(25);
    expect(new Set(fake.seen.map(({ query: { id } }) => id)).size).toBeGreaterThan(25);
  });

  test('upper and lower case, where it is mixed', async () => {
    const fake = await upstream(good);
    const to = forwarder([fake], { mixCase: true, cache: { maxTtlS: 0 } });
    for (let i = 0; i < 10; i++) expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    const names = fake.seen.map(({ query: asked }) =>
      Buffer.from(asked.packet).toString('latin1', 12, asked.questionEnd),
    );
    expect(new Set(names).size).toBeGreaterThan(5);
    expect(new Set(fake.seen.map(({ query: { name } }) => name))).toEqual(new Set([WWW.name]));
    expect(fake.seen.every(({ transport }) => transport === 'udp')).toBe(true);
  });

  test('a server that folds case is asked over TCP once, then as it wants', async () => {
    const fake = await upstream((seen) => {
      const bytes = answer(seen);
      bytes.set(Buffer.from(seen.query.name, 'latin1'), 12);
      return [bytes];
    });
    const to = forwarder([fake], { mixCase: true, cache: { maxTtlS: 0 } });
    for (let i = 0; i < 3; i++) expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect(fake.seen.map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'udp', 'udp']);
  });

  test('other case without mixing is no reason to doubt TCP, and one to doubt UDP', async () => {
    const fake = await upstream((seen) => {
      const bytes = answer(seen);
      bytes.set(Buffer.from('\x03WWW', 'latin1'), 12);
      return [bytes];
    });
    expect((await ask(forwarder([fake]), WWW)).rcode).toBe(RCODE.noError);
    expect(fake.seen.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });
});
