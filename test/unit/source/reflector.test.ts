import { describe, expect, test } from 'vitest';
import {
  added,
  bookmark,
  deleted,
  initialEnd,
  list,
  modified,
  refused,
  startFollowing,
  startReflector,
} from '../../support/reflector-lab.ts';

describe('the first list', () => {
  test('is a stream that goes on as a watch', async () => {
    const { api, events, synced, reflector: made } = startReflector();
    expect(api.call.path).toBe('/api/v1/services');
    expect(api.call.query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      timeoutSeconds: '300',
      labelSelector: '!hidden',
    });
    await api.call.accept(added('a', 1), added('b', 2));
    expect(events).toEqual(['a/a 1', 'a/b 2']);
    expect(synced()).toBe(0);
    await api.call.say(initialEnd(10));
    expect(synced()).toBe(1);
    await api.call.say(modified('a', 11), deleted('b', 12));
    expect(events.slice(2)).toEqual(['a/a 11', 'a/b gone']);
    expect(api.calls).toHaveLength(1);
    expect(made.status()).toMatchObject({ synced: true, connected: true, events: 4, lists: 1, failures: 0 });
  });

  test.each([400, 422])('comes in pages from a server that refuses to stream (%i)', async (status) => {
    const { api, events, synced } = startReflector();
    await api.call.refuse(refused(status));
    expect(api.call.query).toEqual({ limit: '500', labelSelector: '!hidden' });
    await api.call.accept(list(10, ['a', 'b'], 'more'));
    await api.call.end();
    expect(api.call.query).toEqual({ limit: '500', labelSelector: '!hidden', continue: 'more' });
    await api.call.accept(list(10, ['c']));
    expect(synced()).toBe(0);
    await api.call.end();
    expect(events).toEqual(['a/a 1', 'a/b 1', 'a/c 1']);
    expect(synced()).toBe(1);
    expect(api.call.query).toMatchObject({ watch: 'true', resourceVersion: '10' });
  });

  test('comes in pages from a server that does not know what a streaming list is', async () => {
    const { api, clock, events, synced } = startReflector();
    await api.call.accept(added('a', 1));
    await clock.advance(12_000);
    expect(api.call.query).toEqual({ limit: '500', labelSelector: '!hidden' });
    await api.call.accept(list(10, ['a', 'b']));
    await api.call.end();
    expect([events, synced()]).toEqual([['a/a 1', 'a/b 1'], 1]);
  });

  test('begins again when its pages expire', async () => {
    const { api, clock, synced } = startReflector();
    await api.call.refuse(refused(422));
    await api.call.accept(list(10, ['a'], 'more'));
    await api.call.end();
    await api.call.refuse(refused(410, { reason: 'Expired' }));
    await clock.advance(200);
    expect(api.call.query).toEqual({ limit: '500', labelSelector: '!hidden' });
    await api.call.accept(list(12, ['a', 'b']));
    await api.call.end();
    expect(synced()).toBe(1);
  });

  test('is not complete without its end', async () => {
    const { api, clock, synced } = startReflector();
    await api.call.accept(added('a', 1));
    await api.call.end();
    expect(synced()).toBe(0);
    await clock.advance(200);
    expect(api.call.query).toMatchObject({ sendInitialEvents: 'true' });
  });
});

describe('a watch', () => {
  test('that ends normally goes on at the last version, at once', async () => {
    const { api, clock } = await startFollowing();
    await api.call.say(modified('a', 11), bookmark(25));
    await clock.advance(299_000);
    await api.call.end();
    expect(api.calls).toHaveLength(2);
    expect(api.call.query).toEqual({
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: '25',
      timeoutSeconds: '300',
      labelSelector: '!hidden',
    });
  });

  test('is asked to last 5 to 10 minutes', async () => {
    const { api } = await startFollowing({ random: () => 1 });
    expect(api.call.query).toMatchObject({ timeoutSeconds: '600' });
  });

  test('gives one batch for what comes together', async () => {
    const { api, batches } = await startFollowing();
    batches.length = 0;
    await api.call.say(modified('a', 11), modified('b', 12), added('c', 13));
    expect(batches).toEqual([3]);
  });

  test('that closes at once is asked for ever less often', async () => {
    const { api, clock } = await startFollowing();
    await api.call.end();
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      waits.push(clock.pendingMs[0] ?? 0);
      await clock.advance(30_000);
      await api.call.accept();
      await api.call.end();
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
  });

  test('without a byte for long enough is given up and resumed; twice, and there is a list', async () => {
    const { api, clock, reflector: made } = await startFollowing();
    await api.call.say(bookmark(11));
    await clock.advance(60_000);
    await api.call.say(bookmark(12));
    await clock.advance(90_900);
    expect(api.calls).toHaveLength(1);
    await clock.advance(300);
    expect(api.calls[0]?.isClosed).toBe(true);
    expect(api.call.query).toMatchObject({ resourceVersion: '12' });
    await api.call.accept();
    await clock.advance(92_000);
    expect(api.call.query).toMatchObject({ sendInitialEvents: 'true' });
    expect(made.status().failures).toBe(2);
  });

  test('is not given up because the process slept: first it is read what is waiting', async () => {
    const { api, clock } = await startFollowing();
    await clock.advance(90_000);
    await api.call.say(bookmark(11));
    await clock.advance(60_000);
    expect(api.calls).toHaveLength(1);
  });

  test('is listed anew after a 410 of the answer, and what is gone is said', async () => {
    const { api, clock, events } = await startFollowing();
    await api.call.end();
    await clock.advance(100);
    await api.call.refuse(refused(410, { reason: 'Expired' }));
    await clock.advance(100);
    expect(api.call.query).toMatchObject({ sendInitialEvents: 'true' });
    await api.call.accept(added('a', 1), added('c', 30), initialEnd(40));
    expect(events).toEqual(['a/c 30', 'a/b gone']);
  });

  test('is listed anew after a 410 in an event', async () => {
    const { api, clock, events, log } = await startFollowing();
    const object410 = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
    await api.call.say({ type: 'ERROR', object: object410 });
    await clock.advance(100);
    await api.call.accept(added('b', 2), initialEnd(40));
    expect(events).toEqual(['a/a gone']);
    expect(log.messages('warn')).toEqual([]);
    expect(log.messages('info')[0]).toContain('listing anew');
  });
});

describe('an optional resource', () => {
  const resource = { kind: 'ServiceCIDR', path: '/cidrs', namespaced: false, optional: true } as const;

  test.each([404, 403])('that is not there (%i) counts as empty, and is looked for rarely', async (status) => {
    const { api, clock, synced, reflector: made } = startReflector({ resource });
    await api.call.refuse(refused(status));
    expect(synced()).toBe(1);
    expect(made.status()).toMatchObject({ absent: true, synced: true });
    expect(clock.pendingMs).toEqual([300_000]);
    await clock.advance(300_000);
    expect(api.calls).toHaveLength(2);
  });

  test('that goes away takes its objects along', async () => {
    const { api, clock, events } = startReflector({ resource });
    await api.call.accept({ type: 'ADDED', object: { metadata: { name: 'c', resourceVersion: '1' } } }, initialEnd(10));
    await api.call.end();
    await clock.advance(100);
    await api.call.refuse(refused(404));
    expect(events).toEqual(['c 1', 'c gone']);
  });
});

test('after stop nothing is asked and nothing is told', async () => {
  const { api, clock, events, reflector: made } = await startFollowing();
  await made.stop();
  await api.call.say(modified('a', 11));
  await clock.advance(600_000);
  expect([events, api.calls.length, clock.pendingMs]).toEqual([[], 1, []]);
});

test('the age of the newest proof: lists, events and bookmarks count', async () => {
  const { api, clock, reflector: made } = startReflector();
  expect(made.status().newestProofMs).toBeUndefined();
  await clock.advance(1000);
  await api.call.accept(added('a', 1));
  expect(made.status().newestProofMs).toBeUndefined();
  await api.call.say(initialEnd(10));
  expect(made.status().newestProofMs).toBe(clock.now());
  for (const line of [bookmark(11), modified('a', 12)]) {
    await clock.advance(60_000);
    await api.call.say(line);
    expect(made.status().newestProofMs).toBe(clock.now());
  }
  await clock.advance(60_000);
  expect(made.status().newestProofMs).toBe(clock.now() - 60_000);
});
