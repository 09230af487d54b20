import { describe, expect, test } from 'vitest';
import type { ScannedMessage } from '../../../../src/dns/forward/scan.ts';
import { FLAG, RCODE, TYPE } from '../../../../src/dns/wire/constants.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Script } from './fake-upstream.ts';
import { ask, eventually, FakeUpstream, forwarder, good, silent, upstream, WWW } from './fake-upstream.ts';
import { a, alias, query, response, soa } from './messages.ts';

const missing: Script = ({ query: asked }) => [
  response(asked, { rcode: RCODE.nxDomain, authority: [soa('example.org', { ttlS: 25, minimumS: 2 })], opt: true }),
];

function ttls(message: ScannedMessage): readonly number[] {
  return message.records.map(({ ttlS }) => ttlS);
}

describe('the cache', () => {
  test('answers at once, with TTLs that pass, until they have passed', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock });
    expect(ttls(await ask(to, WWW))).toEqual([30]);
    await clock.advance(12_300);
    const hit = to.forward({ query: query('www.EXAMPLE.org', { id: 9 }), transport: 'udp', client: '', maxBytes: 512 });
    expect(hit).toBeInstanceOf(Uint8Array);
    expect(ttls(await ask(to, WWW))).toEqual([18]);
    await clock.advance(17_600);
    expect(ttls(await ask(to, WWW))).toEqual([1]);
    await clock.advance(200);
    expect(ttls(await ask(to, WWW))).toEqual([30]);
    expect(fake.questions).toHaveLength(2);
    expect(to.counters().cache).toMatchObject({ requests: 5, misses: 2, hits: { success: 3, denial: 0 } });
  });

  test('keeps a denial as long as the SOA says, the smaller of its two numbers', async () => {
    const clock = new FakeClock();
    const fake = await upstream(missing);
    const to = forwarder([fake], { clock });
    const first = await ask(to, WWW);
    expect([first.rcode, ttls(first)]).toEqual([RCODE.nxDomain, [2]]);
    await clock.advance(1900);
    expect(ttls(await ask(to, WWW))).toEqual([1]);
    await clock.advance(200);
    await ask(to, WWW);
    expect(fake.questions).toHaveLength(2);
    expect(to.counters().cache.entries).toEqual({ success: 0, denial: 1 });
  });

  test.each<[string, number, Script]>([
    ['TTL 0', 2, ({ query: asked }) => [response(asked, { answer: [a('www.example.org', '192.0.2.1', 0)] })]],
    [
      'a TTL beyond 2^31',
      2,
      ({ query: asked }) => [response(asked, { answer: [a('www.example.org', '192.0.2.1', 0xff_ff_ff_ff)] })],
    ],
    ['a truncated answer', 2, ({ query: asked }) => [response(asked, { flags: FLAG.truncated })]],
    ['a denial without SOA', 2, ({ query: asked }) => [response(asked, { rcode: RCODE.nxDomain })]],
    ['SERVFAIL', 1, ({ query: asked }) => [response(asked, { rcode: RCODE.servFail })]],
    ['REFUSED', 1, ({ query: asked }) => [response(asked, { rcode: RCODE.refused })]],
    [
      'a TTL of a week',
      1,
      ({ query: asked }) => [response(asked, { answer: [a('www.example.org', '192.0.2.1', 604_800)] })],
    ],
  ])('%s: asked %i times', async (_what, times, script) => {
    const fake = await upstream(script);
    const to = forwarder([fake], { clock: new FakeClock() });
    await ask(to, WWW, { maxBytes: 512 });
    await ask(to, WWW, { maxBytes: 512 });
    expect(fake.questions).toHaveLength(times);
  });

  test('makes TTLs longer that are shorter than the least, but not above the most', async () => {
    const clock = new FakeClock();
    const fake = await upstream(({ query: asked }) => [
      response(asked, { answer: [a('www.example.org', '192.0.2.1', 0)] }),
    ]);
    const to = forwarder([fake], { clock, cache: { minTtlS: 5 } });
    expect(ttls(await ask(to, WWW))).toEqual([5]);
    await clock.advance(4900);
    expect(ttls(await ask(to, WWW))).toEqual([1]);
    expect(fake.questions).toHaveLength(1);
    const capped = forwarder([fake], { clock, cache: { minTtlS: 5, maxTtlS: 3 } });
    expect(ttls(await ask(capped, WWW))).toEqual([3]);
  });

  test('does not mix up types, DNSSEC and unvalidated answers', async () => {
    const fake = await upstream(good);
    const to = forwarder([fake], { clock: new FakeClock() });
    const specs = [
      {},
      { type: TYPE.AAAA },
      { edns: true, dnssecOk: true },
      { flags: FLAG.recursionDesired | FLAG.checkingDisabled },
    ];
    for (const spec of [...specs, ...specs]) await ask(to, query('www.example.org', spec));
    // AAAA is answered with A here, which no cache should keep.
    expect(fake.questions).toHaveLength(5);
    expect(fake.seen.map(({ query: { edns } }) => edns?.dnssecOk)).toEqual([false, false, true, false, false]);
  });

  test('without recursion only what is there is given away, and nothing is kept', async () => {
    const fake = await upstream(good);
    const to = forwarder([fake], { clock: new FakeClock() });
    const plain = query('www.example.org', { flags: 0 });
    await ask(to, plain);
    await ask(to, plain);
    expect(fake.questions.map(({ query: { flags } }) => flags & FLAG.recursionDesired)).toEqual([0, 0]);
    await ask(to, WWW);
    await ask(to, plain);
    expect(fake.questions).toHaveLength(3);
  });

  test('puts another address first each time, for clients with little room too', async () => {
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    const records = [alias('www.example.org', 'b.example'), ...numbers.map((i) => a('b.example', `192.0.2.${i}`))];
    const fake = await upstream(({ query: asked }) => [response(asked, { answer: records })]);
    const to = forwarder([fake], { clock: new FakeClock() });
    const addresses = async (maxBytes: number): Promise<readonly (number | undefined)[]> => {
      const reply = await ask(to, WWW, { maxBytes });
      return reply.records.filter(({ type }) => type === TYPE.A).map(({ end }) => reply.bytes[end - 1]);
    };
    expect(await addresses(1232)).toEqual(numbers);
    expect(await addresses(1232)).toEqual([...numbers.slice(1), 0]);
    expect((await addresses(512)).slice(0, 3)).toEqual([2, 3, 4]);
    for (let i = 3; i < 39; i++) await addresses(512);
    expect((await addresses(512)).slice(0, 3)).toEqual([39, 0, 1]);
    expect(await addresses(1232)).toEqual(numbers);
  });

  test('fetches popular names before they end', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock, cache: { prefetchHits: 2 } });
    await ask(to, WWW);
    await ask(to, WWW);
    await clock.advance(27_500);
    expect(ttls(await ask(to, WWW))).toEqual([3]);
    await eventually(() => to.counters().cache.prefetches).toBe(1);
    await eventually(async () => ttls(await ask(to, WWW))).toEqual([30]);
    expect(fake.questions).toHaveLength(2);
  });
});

describe('a failure is remembered (RFC 9520)', () => {
  const CACHED_ERROR = '\0\x0f\0\x02\0\x0d';
  const asking = query('www.example.org', { edns: true });

  test.each([
    ['what a server said, for 5 s', RCODE.servFail, 4900, 200],
    ['a refusal, too', RCODE.refused, 4900, 200],
  ])('%s', async (_what, rcode, beforeMs, restMs) => {
    const clock = new FakeClock();
    const fake = await upstream(({ query: asked }) => [response(asked, { rcode, opt: true })]);
    const to = forwarder([fake], { clock });
    const first = await ask(to, asking);
    await clock.advance(beforeMs);
    const second = await ask(to, asking);
    expect([first.rcode, second.rcode, fake.questions.length]).toEqual([rcode, rcode, 1]);
    const says = [first, second].map(({ bytes }) => Buffer.from(bytes).toString('latin1').includes(CACHED_ERROR));
    expect(says).toEqual([false, true]);
    fake.script = good;
    await clock.advance(restMs);
    expect((await ask(to, asking)).rcode).toBe(RCODE.noError);
  });

  test('that nobody answers, for 1 s', async () => {
    const gone = await FakeUpstream.start(silent);
    const { address } = gone;
    gone.stop();
    const clock = new FakeClock();
    // The kernel says at once that nobody is there.
    const to = forwarder([], { clock, upstreams: [address] });
    expect((await ask(to, asking)).rcode).toBe(RCODE.servFail);
    const asked = to.counters().upstreams[0]?.opened.udp;
    await clock.advance(900);
    const hit = await ask(to, asking);
    expect([hit.rcode, to.counters().upstreams[0]?.opened.udp]).toEqual([RCODE.servFail, asked]);
    expect(Buffer.from(hit.bytes).toString('latin1')).toContain(CACHED_ERROR);
    await clock.advance(200);
    await ask(to, asking);
    expect(to.counters().upstreams[0]?.opened.udp).toBeGreaterThan(asked ?? 0);
  });

  test('but not that there is no server to ask, nor what nobody should keep', async () => {
    const clock = new FakeClock();
    const none = forwarder([], { clock, resolvConf: '/nonexistent/resolv.conf' });
    await ask(none, asking);
    expect(none.counters().cache.entries.denial).toBe(0);
    const fake = await upstream(({ query: asked }) => [response(asked, { rcode: RCODE.servFail })]);
    const to = forwarder([fake], { clock });
    await ask(to, query('www.example.org', { flags: 0 }));
    expect(to.counters().cache.entries.denial).toBe(0);
  });
});

describe('an answer that is too old', () => {
  test('is better than none, with TTL 30 and the reason', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock, cache: { staleS: 3600 } });
    await ask(to, WWW);
    fake.script = ({ query: asked }) => [response(asked, { rcode: RCODE.servFail })];
    await clock.advance(60_000);
    const stale = await ask(to, query('www.example.org', { edns: true }));
    expect([stale.rcode, ttls(stale)]).toEqual([RCODE.noError, [30]]);
    expect(Buffer.from(stale.bytes).toString('latin1')).toContain('\0\x0f\0\x15\0\x03no upstream answers');
    await ask(to, WWW);
    expect(fake.questions).toHaveLength(2);
    fake.script = good;
    await clock.advance(30_000);
    expect(ttls(await ask(to, WWW))).toEqual([30]);
    expect(fake.questions).toHaveLength(3);
    expect(to.counters().cache.servedStale).toBe(2);
  });

  test('is given after 1.8 s when the upstream is slow', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock, cache: { staleS: 3600 } });
    await ask(to, WWW);
    fake.script = silent;
    await clock.advance(60_000);
    let reply: ScannedMessage | undefined;
    void ask(to, WWW).then((message) => (reply = message));
    await eventually(() => fake.questions.length).toBe(2);
    await clock.advance(1700);
    expect(reply).toBeUndefined();
    await clock.advance(200);
    expect(reply).toMatchObject({ rcode: RCODE.noError });
  });

  test('is not given when it is older than allowed', async () => {
    const clock = new FakeClock();
    const fake = await upstream(good);
    const to = forwarder([fake], { clock, cache: { staleS: 10 } });
    await ask(to, WWW);
    fake.script = ({ query: asked }) => [response(asked, { rcode: RCODE.servFail })];
    await clock.advance(41_000);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.servFail);
  });
});
