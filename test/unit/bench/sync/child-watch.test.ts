import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChildWatch, peakOf } from '../../../../src/bench/sync/child-watch.ts';
import { systemRunner } from '../../../../src/kernel/command.ts';
import { startLineProcess } from '../../../../src/kernel/process.ts';

let watch: ChildWatch;

beforeEach(() => {
  watch = new ChildWatch();
  watch.open();
});

afterEach(() => watch.close());

it('notes when a program was started and when it had all its input', async () => {
  const startMs = performance.now();
  await systemRunner.run('cat', [], { input: 'x'.repeat(300_000) });
  const { offeredMs = Number.NaN, takenMs = Number.NaN } = watch.marks;
  expect(offeredMs).toBeGreaterThanOrEqual(startMs);
  expect(takenMs).toBeGreaterThanOrEqual(offeredMs);
  expect(performance.now()).toBeGreaterThanOrEqual(takenMs);
});

it('notes what a child is told that was there before', async () => {
  const lines: string[] = [];
  const child = await startLineProcess({ file: 'cat', onLine: (line) => lines.push(line) });
  watch.forget();
  expect(watch.marks).toEqual({ offeredMs: undefined, takenMs: undefined });
  const startMs = performance.now();
  await child.writeLine('one');
  expect(watch.marks.offeredMs).toBeGreaterThanOrEqual(startMs);
  expect(watch.marks.takenMs).toBeGreaterThanOrEqual(watch.marks.offeredMs ?? Number.NaN);
  await child.stop();
  expect(lines).toEqual(['one']);
});

it('records what each child is fed, for doing it again', async () => {
  const child = await startLineProcess({ file: 'cat', onLine: () => undefined });
  await child.writeLine('before');
  watch.record();
  await child.writeLine('one');
  await systemRunner.run('sh', ['-c', 'cat >/dev/null'], { input: 'batch' });
  await child.writeLine('two');
  expect(watch.takeRecord()).toEqual([
    { argv: ['cat'], texts: ['one\n', 'two\n'] },
    { argv: ['sh', '-c', 'cat >/dev/null'], texts: ['batch'] },
  ]);
  await child.writeLine('after');
  expect(watch.takeRecord()).toEqual([]);
  await child.stop();
});

it('knows the memory of children that live, and only what there was since it was asked last', async () => {
  expect(watch.takePeak()).toBe(0);
  const { promise: answered, resolve: onLine } = Promise.withResolvers<string>();
  const child = await startLineProcess({ file: 'cat', onLine });
  await child.writeLine('are you there?');
  await answered;
  const peak = peakOf(child.pid);
  expect(peak).toBeGreaterThan(100_000);
  expect(watch.takePeak()).toBeGreaterThanOrEqual(peak);
  await child.stop();
  watch.takePeak();
  expect([watch.takePeak(), peakOf(child.pid)]).toEqual([0, 0]);
});

it('leaves children alone when it is closed', async () => {
  watch.close();
  watch.forget();
  await systemRunner.run('true', []);
  expect(watch.marks.offeredMs).toBeUndefined();
});
