import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { FLAG, RCODE } from '../../../../src/dns/wire/constants.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Script, Seen } from './fake-upstream.ts';
import { answer, ask, eventually, forwarder, good, upstream, WWW } from './fake-upstream.ts';
import { a, query, response } from './messages.ts';

describe('large answers', () => {
  const truncating: Script = (seen) =>
    seen.transport === 'udp' ? [response(seen.query, { flags: FLAG.truncated })] : [answer(seen)];

  test.each([
    ['a client with 1232 bytes gets TC, and would come back', { maxBytes: 1232 }, FLAG.truncated, ['udp']],
    ['a client with more room gets all of it', { maxBytes: 4096 }, 0, ['udp', 'tcp']],
    ['a client over TCP is served over TCP', { maxBytes: 65_535, transport: 'tcp' as const }, 0, ['tcp']],
  ])('%s', async (_what, how, flag, transports) => {
    const fake = await upstream(truncating);
    expect((await ask(forwarder([fake]), WWW, how)).flags & FLAG.truncated).toBe(flag);
    expect(fake.seen.map(({ transport }) => transport)).toEqual(transports);
  });

  test.each([
    ['udp', ['udp', 'tcp']],
    ['tcp', ['tcp']],
  ] as const)('upstream transport %s for a client over TCP', async (transport, transports) => {
    const fake = await upstream(truncating);
    await ask(forwarder([fake], { transport }), WWW, { maxBytes: 65_535, transport: 'tcp' });
    expect(fake.seen.map((seen) => seen.transport)).toEqual(transports);
  });
});

test.skipIf(!hasIpv6()).each(['udp', 'tcp'] as const)('IPv6 over %s', async (transport) => {
  const fake = await upstream(good, '::1');
  expect((await ask(forwarder([fake], { transport }), WWW)).records).toHaveLength(1);
});

/** Containers often have none. */
function hasIpv6(): boolean {
  return networkInterfaces()['lo']?.some(({ family }) => family === 'IPv6') ?? false;
}

describe('TCP', () => {
  test('one connection serves many queries, in any order', async () => {
    const fake = await upstream((seen) => [seen.query.name.includes('slow') ? 60 : 1, answer(seen)]);
    const to = forwarder([fake], { transport: 'tcp' });
    const order: string[] = [];
    const names = ['slow.example.org', 'b.example.org', 'c.example.org'];
    await Promise.all(names.map(async (name) => ask(to, query(name)).then(() => order.push(name))));
    expect(order.at(-1)).toBe('slow.example.org');
    expect(fake.connections).toBe(1);
    expect(to.counters().upstreams[0]).toMatchObject({ reused: { tcp: 2 }, opened: { tcp: 1, udp: 0 } });
  });

  test('a connection that the server closed meanwhile is no failure', async () => {
    const fake = await upstream((seen) => (fake.seen.length === 2 ? ['hang up'] : [answer(seen)]));
    const to = forwarder([fake], { transport: 'tcp', cache: { maxTtlS: 0 } });
    await ask(to, WWW);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect(fake.connections).toBe(2);
  });

  test('an idle connection is closed', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock, transport: 'tcp', cache: { maxTtlS: 0 } });
    await ask(to, WWW);
    await clock.advance(9000);
    await ask(to, WWW);
    await clock.advance(10_001);
    await ask(to, WWW);
    expect(fake.connections).toBe(2);
  });

  test('a connection on which an answer did not come is not used again', async () => {
    const clock = new FakeClock();
    const fake = await upstream((seen) => (seen.query.name.includes('lost') ? [] : [answer(seen)]));
    const to = forwarder([fake], { clock, transport: 'tcp', totalTimeoutMs: 2000, cache: { maxTtlS: 0 } });
    await ask(to, WWW);
    const lost = ask(to, query('lost.example.org'));
    await eventually(() => fake.questions.length).toBe(2);
    await ask(to, WWW);
    await clock.advance(2001);
    expect((await lost).rcode).toBe(RCODE.servFail);
    await ask(to, WWW);
    expect(fake.connections).toBeGreaterThanOrEqual(2);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
  });

  test('a server that hangs up on every query is an error', async () => {
    const fake = await upstream(() => ['hang up']);
    const reply = await ask(forwarder([fake], { transport: 'tcp' }), query('www.example.org', { edns: true }));
    expect(reply.rcode).toBe(RCODE.servFail);
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain('closed the connection');
  });
});

describe('servers from before EDNS', () => {
  test.each<[string, (seen: Seen) => Buffer]>([
    ['FORMERR', ({ query: asked }) => response(asked, { rcode: RCODE.formErr })],
    ['NOTIMP', ({ query: asked }) => response(asked, { rcode: RCODE.notImp })],
    [
      'FORMERR and no question',
      (seen) => {
        const bytes = response(seen.query, { rcode: RCODE.formErr }).subarray(0, 12);
        bytes.writeUInt16BE(0, 4);
        return bytes;
      },
    ],
  ])('%s to an OPT record: asked without, from then on', async (_what, refusal) => {
    const fake = await upstream((seen) => [
      seen.query.edns === undefined
        ? response(seen.query, { answer: [a('www.example.org', '192.0.2.1')] })
        : refusal(seen),
    ]);
    const to = forwarder([fake], { cache: { maxTtlS: 0, failureTtlS: 0 } });
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect(fake.seen.map(({ query: { edns } }) => edns !== undefined)).toEqual([true, false, false]);
  });

  test('NOTIMP with an OPT record is an answer', async () => {
    const fake = await upstream(({ query: asked }) => [response(asked, { rcode: RCODE.notImp, opt: true })]);
    expect((await ask(forwarder([fake]), WWW)).rcode).toBe(RCODE.notImp);
    expect(fake.seen).toHaveLength(1);
  });
});
