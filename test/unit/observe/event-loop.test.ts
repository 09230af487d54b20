import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { watchEventLoop } from '../../../src/observe/event-loop.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

test('the longest delay of each second is observed, until it is stopped', async () => {
  const metrics = new Metrics({ mode: 'nftables' });
  const clock = new FakeClock();
  const stop = watchEventLoop(metrics, clock);
  const read = async (part: string) =>
    sampleOf(parseScrape(await metrics.text()), `sluice_event_loop_delay_seconds_${part}`) ?? Number.NaN;

  await sleep(50);
  const untilMs = performance.now() + 300;
  while (performance.now() < untilMs);
  await sleep(50);
  await clock.advance(1000);
  expect(await read('count')).toBe(1);
  const blockedS = await read('sum');
  expect(blockedS).toBeGreaterThan(0.2);

  await clock.advance(1000);
  expect(await read('count')).toBe(2);
  // The second second begins anew: nothing of the first one's delay is in it.
  expect((await read('sum')) - blockedS).toBeLessThan(blockedS);

  stop();
  await clock.advance(5000);
  expect(await read('count')).toBe(2);
  expect(clock.pendingMs).toEqual([]);
});
