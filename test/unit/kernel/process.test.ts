import { describe, expect, test } from 'vitest';
import type { LineProcess } from '../../../src/kernel/process.ts';
import { runInForeground, startLineProcess } from '../../../src/kernel/process.ts';

async function start(script: string): Promise<{ child: LineProcess; nextLine: () => Promise<string> }> {
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  const onLine = (line: string): void => {
    const receiver = waiting.shift();
    if (receiver === undefined) lines.push(line);
    else receiver(line);
  };
  const child = await startLineProcess({ file: 'sh', args: ['-c', script], onLine });
  const nextLine = (): Promise<string> =>
    new Promise((resolve) => {
      const line = lines.shift();
      if (line === undefined) waiting.push(resolve);
      else resolve(line);
    });
  return { child, nextLine };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startLineProcess', () => {
  test('speaks in lines and ends when its input is closed', async () => {
    const { child, nextLine } = await start('cat');
    await child.writeLine('one\ntwo');
    expect([await nextLine(), await nextLine()]).toEqual(['one', 'two']);
    expect(await child.stop()).toEqual({ exitCode: 0, signal: undefined });
    expect(isAlive(child.pid)).toBe(false);
    expect(await child.stop()).toEqual({ exitCode: 0, signal: undefined });
  });

  test('keeps the last lines of standard error', async () => {
    const { child } = await start('for i in $(seq 60); do echo $i >&2; done; exit 3');
    expect(await child.ended).toEqual({ exitCode: 3, signal: undefined });
    const tail = child.stderrTail().split('\n');
    expect([tail.length, tail[0], tail.at(-1)]).toEqual([50, '11', '60']);
  });

  test('asks with SIGTERM when the end of input is ignored', async () => {
    const { child } = await start('exec sleep 60');
    expect(await child.stop(50)).toEqual({ exitCode: undefined, signal: 'SIGTERM' });
  });

  test('insists with SIGKILL when SIGTERM is ignored', async () => {
    const { child, nextLine } = await start('trap "" TERM; echo ready; exec sleep 60');
    await nextLine();
    expect(await child.stop(50)).toEqual({ exitCode: undefined, signal: 'SIGKILL' });
  });

  test('refuses to write to a child that has ended', async () => {
    const { child } = await start('exit 0');
    await child.ended;
    await expect(child.writeLine('hello')).rejects.toMatchObject({ code: 'command-failed' });
  });

  test('names a program that is missing', async () => {
    const started = startLineProcess({ file: 'no-such-program', onLine: () => undefined });
    await expect(started).rejects.toMatchObject({
      code: 'command-missing',
      message: expect.stringContaining('no-such-program'),
    });
  });
});

describe('runInForeground', () => {
  test.each([
    ['exit 0', 0],
    ['exit 7', 7],
    ['kill -TERM $$', 143],
    ['[ "$MARK" = here ] && exit 9', 9],
  ])('%s gives %i', async (script, exitCode) => {
    expect(await runInForeground('sh', ['-c', script], { MARK: 'here' })).toBe(exitCode);
  });

  test('names a program that is missing', async () => {
    await expect(runInForeground('no-such-program', [])).rejects.toMatchObject({ code: 'command-missing' });
  });
});
