import { describe, expect, onTestFinished, test } from 'vitest';
import { DEFAULT_FORWARD_CONFIG } from '../../../../src/dns/forward/config.ts';
import { CachingForwarder } from '../../../../src/dns/forward/forwarder.ts';
import { RCODE } from '../../../../src/dns/wire/constants.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import type { Script } from './fake-upstream.ts';
import {
  ask,
  eventually,
  failing,
  FakeUpstream,
  forwarder,
  good,
  silent,
  upstream,
  WWW,
  OPT,
} from './fake-upstream.ts';
import { key, query, response } from './messages.ts';

const QUICK = { attemptTimeoutMs: 500, totalTimeoutMs: 5000 };

describe('several upstreams', () => {
  test.each<[string, Script]>([
    ['is silent', silent],
    ['fails', failing],
    ['refuses', ({ query: asked }) => [response(asked, { rcode: RCODE.refused })]],
  ])('the next is asked when one %s', async (_what, script) => {
    const first = await upstream(script);
    const second = await upstream(good);
    const reply = await ask(forwarder([first, second], QUICK), WWW);
    expect([reply.rcode, reply.records.length]).toEqual([RCODE.noError, 1]);
    expect([first.questions.length, second.questions.length]).toEqual([1, 1]);
  });

  test('nobody there', async () => {
    const gone = await FakeUpstream.start(silent);
    const { address } = gone;
    gone.stop();
    // The kernel says so; nothing has to time out, and no time passes here.
    const to = forwarder([], { upstreams: [address], clock: new FakeClock() });
    const reply = await ask(to, query('www.example.org', { edns: true }));
    expect(reply.rcode).toBe(RCODE.servFail);
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain(`${address}: `);
  });

  test('an address that nobody can send to is an error like others', async () => {
    const second = await upstream(good);
    // A broadcast address: the kernel refuses to connect to it.
    const to = forwarder([], { upstreams: ['255.255.255.255:53', second.address], clock: new FakeClock() });
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
  });

  test('all fail: their answer is the answer', async () => {
    const fakes = [await upstream(failing), await upstream(failing)];
    expect((await ask(forwarder(fakes, QUICK), WWW)).rcode).toBe(RCODE.servFail);
    expect(fakes.map(({ questions }) => questions.length)).toEqual([1, 1]);
  });

  test.each([
    ['sequential', [6, 0, 0]],
    ['round_robin', [2, 2, 2]],
  ] as const)('policy %s', async (policy, shares) => {
    const fakes = [await upstream(good), await upstream(good), await upstream(good)];
    const to = forwarder(fakes, { policy, cache: { maxTtlS: 0 } });
    for (let i = 0; i < 6; i++) await ask(to, WWW);
    expect(fakes.map(({ seen }) => seen.length)).toEqual(shares);
  });

  test('policy random uses all', async () => {
    const fakes = [await upstream(good), await upstream(good)];
    const to = forwarder(fakes, { policy: 'random', cache: { maxTtlS: 0 } });
    for (let i = 0; i < 40; i++) await ask(to, WWW);
    for (const { seen } of fakes) expect(seen.length).toBeGreaterThan(4);
  });
});

describe('health', () => {
  const failedProbes = (to: CachingForwarder): number => to.counters().upstreams[0]?.healthcheckFailures ?? 0;

  async function passTime(clock: FakeClock, until: () => boolean): Promise<void> {
    await eventually(async () => clock.advance(500).then(until)).toBe(true);
  }

  test('a silent upstream is probed, left alone, and used again when it answers', async () => {
    const clock = new FakeClock();
    const sick = await upstream(silent);
    const fine = await upstream(good);
    const { log, messages } = recordingLog();
    const to = forwarder([sick, fine], { clock, log, cache: { maxTtlS: 0 } });
    const sickProbes = (): number => sick.seen.length - sick.questions.length;

    const reply = ask(to, WWW);
    await eventually(() => sick.questions.length).toBe(1);
    await clock.advance(2001);
    expect((await reply).rcode).toBe(RCODE.noError);
    await passTime(clock, () => failedProbes(to) >= 3);
    await ask(to, WWW);
    expect([sick.questions.length, fine.questions.length]).toEqual([1, 2]);

    expect(messages('warn')).toEqual(['a name server does not answer']);

    sick.script = ({ query: asked }) => [response(asked, { rcode: RCODE.refused })];
    const before = sickProbes();
    await passTime(clock, () => sickProbes() > before);
    await eventually(() => messages('info').at(-1)).toBe('a name server answers again');
    sick.script = good;
    await eventually(async () => {
      await ask(to, WWW);
      return sick.questions.length;
    }).toBeGreaterThan(1);
  });

  test('when all are down one is asked nevertheless', async () => {
    const clock = new FakeClock();
    const sick = await upstream(silent);
    const to = forwarder([sick], { clock, maxFails: 1, cache: { maxTtlS: 0, failureTtlS: 0 } });
    const first = ask(to, WWW);
    await eventually(() => sick.seen.length).toBe(1);
    await clock.advance(6000);
    await first;
    await passTime(clock, () => failedProbes(to) >= 2);
    sick.script = good;
    expect((await ask(to, WWW)).rcode).toBe(RCODE.noError);
    expect(to.counters().allDown).toBe(1);
  });
});

describe('where names are asked for', () => {
  test('stub domains have servers of their own, the longest wins', async () => {
    const fakes = [await upstream(good), await upstream(good), await upstream(good)];
    const [rest, corp, lab] = fakes.map(({ address }) => address);
    const stubDomains = { 'Corp.example': [corp ?? ''], 'lab.corp.example.': [lab ?? ''] };
    const to = forwarder([], { upstreams: [rest ?? ''], stubDomains });
    for (const name of ['www.corp.example', 'corp.example', 'a.lab.corp.example', 'notcorp.example']) {
      await ask(to, query(name));
    }
    expect(fakes.map(({ seen }) => seen.map(({ query: { name } }) => name))).toEqual([
      [key('notcorp.example')],
      [key('www.corp.example'), key('corp.example')],
      [key('a.lab.corp.example')],
    ]);
  });

  test.each([
    ['it', (address: string) => address],
    ['any address', (address: string) => address.replace('127.0.0.1', '0.0.0.0')],
    ['any address of both families', (address: string) => address.replace('127.0.0.1', '[::]')],
  ])('never at our own address, when we listen on %s', async (_what, listen) => {
    const own = await upstream(good);
    const reply = await ask(
      forwarder([own], { ownAddresses: [listen(own.address)] }),
      query('www.example.org', { edns: true }),
    );
    expect(reply.rcode).toBe(RCODE.servFail);
    expect(Buffer.from(reply.bytes).toString('latin1')).toContain('no upstream is known');
    expect(own.seen).toEqual([]);
  });

  test.each([
    { upstreams: ['dns.example.org'] },
    { upstreams: ['10.0.0.1:99999'] },
    { stubDomains: { 'corp..example': ['10.0.0.1'] } },
    { stubDomains: { 'corp.example': ['nowhere'] } },
  ])('%j is refused', (config) => {
    expect(() => forwarder([], { upstreams: ['10.0.0.1'], ...config })).toThrow(
      expect.objectContaining({ code: 'bad-config' }),
    );
  });

  test('a node without name servers is warned about, and its names fail', async () => {
    const { log, messages } = recordingLog();
    const config = { ...DEFAULT_FORWARD_CONFIG, resolvConf: '/nonexistent/resolv.conf' };
    const clock = new FakeClock();
    const to = new CachingForwarder(config, { clock, log, opt: OPT, ownAddresses: [], privateZones: [] });
    onTestFinished(() => to.close());
    expect(messages('warn')).toEqual(['no name server to forward to']);
    expect((await ask(to, WWW)).rcode).toBe(RCODE.servFail);
  });
});

test('a loop through an upstream ends, with one query', async () => {
  const fake = await upstream(silent);
  const to = forwarder([fake], QUICK);
  // What comes to the upstream comes back to us.
  fake.script = ({ query: asked }) => {
    void to.forward({ query: asked, transport: 'udp', client: '127.0.0.1', maxBytes: 1232 });
    return [];
  };
  expect((await ask(to, WWW)).rcode).toBe(RCODE.servFail);
  expect(fake.questions.length).toBeLessThanOrEqual(3);
});
