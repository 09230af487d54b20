import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const MODULE = new URL('../../../src/cli/until-signal.ts', import.meta.url).href;
const LOG = new URL('../../../src/base/log.ts', import.meta.url).href;

/** A program that says when it runs and when it was asked to end, and then ends or does not. */
function program(afterStop: string): string {
  return `
    import { once } from 'node:events';
    import { createLog } from '${LOG}';
    import { untilSignal } from '${MODULE}';
    const log = createLog({ level: 'info', format: 'text' });
    await untilSignal({ log, unfinished: 'left alone', run: async (stop) => {
      setInterval(() => {}, 1000);
      console.log('running');
      await once(stop, 'abort');
      console.log('asked');
      ${afterStop}
    } });
    process.exit(0);`;
}

const FOR_EVER = 'await new Promise(() => {});';

/** Sends each signal when the program has said one more line. */
async function end(afterStop: string, signals: readonly NodeJS.Signals[]) {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program(afterStop)]);
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += String(text)));
  const rest = [...signals];
  child.stdout.on('data', () => {
    const next = rest.shift();
    if (next !== undefined) child.kill(next);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, stderr };
}

test.each(['SIGINT', 'SIGTERM'] as const)('%s asks for the end, which is a success', async (signal) => {
  expect(await end('', [signal])).toEqual({ code: 0, signal: null, stderr: '' });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a second one, %s, is the end at once', async (signal, code) => {
  expect(await end(FOR_EVER, ['SIGTERM', signal])).toEqual({ code, signal: null, stderr: '' });
});

test('what does not end in time is left alone', { timeout: 10_000 }, async () => {
  const { code, stderr } = await end(FOR_EVER, ['SIGTERM']);
  expect(code).toBe(2);
  expect(stderr).toContain('left alone');
});
