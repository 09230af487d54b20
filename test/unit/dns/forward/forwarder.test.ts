import { describe, expect, test } from 'vitest';
import { FLAG, RCODE, TYPE } from '../../../../src/dns/wire/constants.ts';
import { word } from '../../../../src/dns/wire/query.ts';
import { ask, eventually, forwarder, good, silent, upstream, WWW } from './fake-upstream.ts';
import { a, alias, key, query, response, text } from './messages.ts';

describe('a reply', () => {
  test('has the id, the spelling and the flags of the client', async () => {
    const fake = await upstream(good);
    const reply = await ask(
      forwarder([fake]),
      query('WWW.Example.ORG', { id: 7, flags: FLAG.recursionDesired | FLAG.checkingDisabled }),
    );
    expect(word(reply.bytes, 0)).toBe(7);
    expect(reply.flags).toBe(FLAG.response | FLAG.recursionDesired | FLAG.recursionAvailable | FLAG.checkingDisabled);
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain('\x03WWW\x07Example\x03ORG');
    expect(reply.hasEdns).toBe(false);
    expect(reply.records).toHaveLength(1);
  });

  test('has OPT when the client has, and AD when the client knows it', async () => {
    const fake = await upstream(({ query: asked }) => [
      response(asked, { flags: FLAG.authenticData, answer: [a('www.example.org', '192.0.2.1')] }),
    ]);
    const to = forwarder([fake]);
    expect((await ask(to, WWW)).flags & FLAG.authenticData).toBe(0);
    expect(
      (await ask(to, query('www.example.org', { flags: FLAG.authenticData }))).flags & FLAG.authenticData,
    ).not.toBe(0);
    const reply = await ask(to, query('www.example.org', { edns: true, dnssecOk: true }));
    expect(reply.hasEdns).toBe(true);
    expect(reply.flags & FLAG.authenticData).not.toBe(0);
    expect([...reply.bytes.subarray(-11)]).toEqual([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
  });

  test('is cut at a record for a client with little room, and says so', async () => {
    const answer = Array.from({ length: 40 }, (_, i) => a('www.example.org', `192.0.2.${i}`));
    const fake = await upstream(({ query: asked }) => [response(asked, { answer })]);
    const to = forwarder([fake]);
    const small = await ask(to, WWW, { maxBytes: 512 });
    expect(small.flags & FLAG.truncated).not.toBe(0);
    expect(small.records).toHaveLength(29);
    expect(word(small.bytes, 6)).toBe(29);
    const large = await ask(to, WWW, { maxBytes: 1232 });
    expect(large.flags & FLAG.truncated).toBe(0);
    expect(large.records).toHaveLength(40);
  });

  test('loses its additional records without saying so', async () => {
    const fake = await upstream(({ query: asked }) => [
      response(asked, { answer: [a('www.example.org', '192.0.2.1')], additional: [text('x.example.org', 600)] }),
    ]);
    const reply = await ask(forwarder([fake]), query('www.example.org', { edns: true }), { maxBytes: 512 });
    expect(reply.flags & FLAG.truncated).toBe(0);
    expect(reply.records).toHaveLength(1);
    expect(reply.hasEdns).toBe(true);
  });

  test('keeps records of types that nobody knows', async () => {
    const rare = {
      owner: 'www.example.org',
      type: 65,
      ttlS: 9,
      data: (w: { append(o: Uint8Array): void }) => w.append(Buffer.from('svcb')),
    };
    const fake = await upstream(({ query: asked }) => [response(asked, { answer: [rare] })]);
    const [record] = (await ask(forwarder([fake]), query('www.example.org', { type: 65 }))).records;
    expect(record).toMatchObject({ type: 65, ttlS: 9 });
  });
});

describe('names of the cluster', () => {
  const privateZones = ['cluster.local', '96.10.in-addr.arpa'];

  test.each([
    ['web.default.svc.Cluster.Local', RCODE.nxDomain],
    ['1.0.96.10.in-addr.arpa', RCODE.nxDomain],
    ['cluster.local', RCODE.noError],
  ])('%s never leaves', async (name, rcode) => {
    const fake = await upstream(good);
    const reply = await ask(forwarder([fake], { privateZones }), query(name));
    expect(reply.rcode).toBe(rcode);
    expect(reply.records).toMatchObject([{ section: 'authority', type: TYPE.SOA }]);
    expect(fake.seen).toEqual([]);
  });

  test('are not believed when an upstream tells them', async () => {
    const fake = await upstream(({ query: asked }) => [
      response(asked, {
        answer: [
          alias('www.example.org', 'web.default.svc.cluster.local'),
          a('web.default.svc.cluster.local', '192.0.2.6'),
        ],
      }),
    ]);
    const to = forwarder([fake], { privateZones });
    const reply = await ask(to, WWW);
    expect([reply.rcode, reply.records]).toEqual([RCODE.servFail, []]);
    expect(to.counters().drops).toBe(1);
  });

  test('are left out where they are beside the answer', async () => {
    const fake = await upstream(({ query: asked }) => [
      response(asked, {
        answer: [a('www.example.org', '192.0.2.1')],
        additional: [a('ns.example.org', '192.0.2.2'), a('kubernetes.default.svc.cluster.local', '192.0.2.6')],
      }),
    ]);
    const reply = await ask(forwarder([fake], { privateZones }), WWW);
    expect(reply.records.map(({ owner }) => owner)).toEqual([key('www.example.org'), key('ns.example.org')]);
  });
});

describe('many who ask', () => {
  test('the same, ask once', async () => {
    const fake = await upstream(({ query: asked }) => [50, ...good({ query: asked, transport: 'udp', sourcePort: 0 })]);
    const to = forwarder([fake]);
    const replies = await Promise.all(Array.from({ length: 20 }, (_, id) => ask(to, query('www.example.org', { id }))));
    expect(replies.map(({ bytes }) => word(bytes, 0))).toEqual(Array.from({ length: 20 }, (_, id) => id));
    expect(fake.questions).toHaveLength(1);
  });

  test.each([
    ['in all', { maxConcurrent: 3 }],
    ['of one client', { maxPerClient: 3 }],
  ])('too much %s, get SERVFAIL', async (_what, limits) => {
    const fake = await upstream(silent);
    const to = forwarder([fake], { ...limits, attemptTimeoutMs: 100, totalTimeoutMs: 100 });
    const waiting = Array.from({ length: 3 }, (_, i) => ask(to, query(`w${i}.example.org`)));
    const reply = await ask(to, query('one-more.example.org', { edns: true }));
    expect(reply.rcode).toBe(RCODE.servFail);
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain('too many');
    expect(to.counters().rejects).toBe(1);
    await Promise.all(waiting);
    expect((await ask(to, query('later.example.org'))).rcode).toBe(RCODE.servFail);
    expect(to.counters().rejects).toBe(1);
  });

  test('too much for one answer, get SERVFAIL', async () => {
    const fake = await upstream(silent);
    const to = forwarder([fake], { maxWaiters: 2, attemptTimeoutMs: 50, totalTimeoutMs: 50 });
    const waiting = [ask(to, WWW), ask(to, WWW)];
    const reply = await ask(to, query('www.example.org', { edns: true }));
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain('too many');
    await Promise.all(waiting);
  });
});

test('zone transfers are refused', async () => {
  const fake = await upstream(good);
  expect((await ask(forwarder([fake]), query('example.org', { type: TYPE.AXFR }))).rcode).toBe(RCODE.refused);
  expect(fake.seen).toEqual([]);
});

test('closing answers everybody', async () => {
  const fake = await upstream(silent);
  const to = forwarder([fake]);
  const reply = ask(to, WWW);
  await eventually(() => fake.seen.length).toBe(1);
  to.close();
  expect((await reply).rcode).toBe(RCODE.servFail);
});
