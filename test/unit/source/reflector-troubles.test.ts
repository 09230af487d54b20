import { describe, expect, test } from 'vitest';
import {
  added,
  bookmark,
  brief,
  deleted,
  initialEnd,
  modified,
  refused,
  startFollowing,
  startReflector,
  unreachable,
} from '../../support/reflector-lab.ts';

describe('trouble', () => {
  test('never makes it give up, nor forget; it is said once, and when it is over', async () => {
    const { api, clock, log, events } = await startFollowing();
    await api.call.end();
    for (let i = 0; i < 500; i++) {
      await clock.advance(30_000);
      await api.call.refuse(unreachable);
    }
    expect(api.calls.length).toBe(502 - 1);
    expect(events).toEqual([]);
    expect(log.messages('warn')).toEqual(['connect ECONNREFUSED; going on with what is known']);
    await clock.advance(30_000);
    await api.call.accept(modified('a', 11));
    expect(events).toEqual(['a/a 11']);
    expect(log.messages('info')).toEqual(['following the API server again']);
  });

  test('Retry-After counts more than the backoff', async () => {
    const { api, clock } = await startFollowing();
    await api.call.end();
    await clock.advance(100);
    await api.call.refuse(refused(429, { retryAfterMs: 7000 }));
    expect(clock.pendingMs).toEqual([7000]);
  });

  test('garbage costs nothing but itself, and leads to a list', async () => {
    const { api, clock, events, reflector: made } = await startFollowing();
    await api.call.say(modified('a', 11), '{"type":', modified('b', 12));
    expect(events).toEqual(['a/a 11', 'a/b 12']);
    await clock.advance(100);
    await api.call.accept(added('a', 11), added('b', 15), initialEnd(20));
    expect(events).toEqual(['a/a 11', 'a/b 12', 'a/b 15']);
    expect(made.status()).toMatchObject({ garbled: 1, lists: 2 });
  });

  test('a list with garbage is asked for three times, and deletes nothing then', async () => {
    const { api, clock, events, log } = await startFollowing();
    await api.call.say('garbage');
    for (let i = 0; i < 3; i++) {
      await clock.advance(30_000);
      await api.call.accept(added('a', 1), 'garbage', added('c', 3), initialEnd(20));
    }
    expect(events).toEqual(['a/c 3']);
    expect(log.messages('warn').at(-1)).toContain('what it lacks is kept');
    await api.call.say(modified('b', 21));
    expect(events).toEqual(['a/c 3', 'a/b 21']);
  });

  test.each([
    ['an event', [modified('a', 5)]],
    ['a bookmark', [bookmark(5)]],
  ])('a server that was set back (seen by %s) is listed, and nothing is taken for known', async (_what, lines) => {
    const { api, clock, events } = await startFollowing();
    await api.call.say(...lines);
    await clock.advance(100);
    await api.call.accept(added('a', 1), initialEnd(6));
    expect(events).toEqual(['a/a 1', 'a/b gone']);
    await api.call.say(modified('a', 7));
    expect(events.at(-1)).toBe('a/a 7');
  });

  test('a server that was set back (seen by a list) is listed once more, for what looks the same may not be', async () => {
    const { api, clock, events } = await startFollowing();
    await api.call.say('garbage');
    await clock.advance(100);
    await api.call.accept(added('a', 1), added('b', 2), initialEnd(6));
    await clock.advance(200);
    await api.call.accept(added('a', 1), added('b', 2), initialEnd(6));
    expect(events).toEqual(['a/a 1', 'a/b 2']);
  });

  test('a deletion may carry an old version', async () => {
    const { api, events } = await startFollowing();
    await api.call.say(deleted('a', 1), modified('b', 12));
    expect([events, api.calls.length]).toEqual([['a/a gone', 'a/b 12'], 1]);
  });

  test('a consumer that throws is told everything again', async () => {
    const told: string[] = [];
    let fails = false;
    const { api, clock } = startReflector({
      onEvents: (events) => {
        if (fails) throw new Error('oops');
        told.push(...events.map(brief));
      },
    });
    await api.call.accept(added('a', 1), added('b', 2), initialEnd(10));
    fails = true;
    await api.call.say(modified('a', 11), deleted('b', 12));
    fails = false;
    await clock.advance(100);
    await api.call.accept(added('a', 11), initialEnd(20));
    expect(told).toEqual(['a/a 1', 'a/b 2', 'a/a 11', 'a/b gone']);
  });
});
