import { expect, test } from 'vitest';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import type { Steps } from '../../../src/base/steps.ts';
import { atOnce, inSlices, mapInSteps } from '../../../src/base/steps.ts';

function* count(to: number, seen: number[] = []): Steps<string> {
  for (let i = 1; i <= to; i++) {
    seen.push(i);
    yield;
  }
  return `counted to ${to}`;
}

test('steps lead to a result at once, or in slices between which others have their turn', async () => {
  expect(atOnce(count(3))).toBe('counted to 3');
  const seen: number[] = [];
  const between: number[] = [];
  const watcher = setInterval(() => between.push(seen.length), 0);
  expect(await inSlices(count(200, seen), 0)).toBe('counted to 200');
  clearInterval(watcher);
  expect(between.length).toBeGreaterThan(0);
  expect(between[0]).toBeLessThan(200);
});

test('an error in a step is an error of the whole', async () => {
  function* broken(): Steps<void> {
    yield;
    throw new Error('no');
  }
  await expect(inSlices(broken())).rejects.toThrow('no');
  expect(() => atOnce(broken())).toThrow('no');
});

test.each([0, 1, 499, 500, 501, 1700])('a map of %i entries is the same when it is made in steps', (size) => {
  const entries = Array.from({ length: size }, (_, i): [string, number] => [`key ${i}`, i]);
  expect([...atOnce(mapInSteps(entries))]).toEqual([...PersistentMap.of(entries)]);
});
