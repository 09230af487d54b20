import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { acquireInstanceLock } from '../../../src/kernel/instance-lock.ts';

const MODULE = fileURLToPath(new URL('../../../src/kernel/instance-lock.ts', import.meta.url));

let names = 0;

/** Other tests and other programs have locks too. */
function freshName(): string {
  names += 1;
  return `sluice-test-${process.pid}-${names}`;
}

test('the second one is told who holds it, and has it after a release', async () => {
  const name = freshName();
  const lock = await acquireInstanceLock(name);
  const refusal = acquireInstanceLock(name);
  await expect(refusal).rejects.toMatchObject({
    code: 'already-running',
    message: expect.stringContaining(`pid ${process.pid} on ${hostname()}, since 2`) as string,
    data: { pid: process.pid, host: hostname() },
  });
  await lock.release();
  const next = await acquireInstanceLock(name);
  await next.release();
});

test('another name is another lock', async () => {
  const locks = [await acquireInstanceLock(freshName()), await acquireInstanceLock(freshName())];
  expect(locks).toHaveLength(2);
  await Promise.all(locks.map((lock) => lock.release()));
});

test('a process that is killed leaves it', async () => {
  const name = freshName();
  const script = `
    const { acquireInstanceLock } = await import(${JSON.stringify(MODULE)});
    await acquireInstanceLock(${JSON.stringify(name)});
    console.log('held');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await expect(acquireInstanceLock(name)).rejects.toMatchObject({ data: { pid: child.pid } });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = await acquireInstanceLock(name);
  await lock.release();
});

test('it keeps no process from ending', async () => {
  const script = `
    const { acquireInstanceLock } = await import(${JSON.stringify(MODULE)});
    await acquireInstanceLock(${JSON.stringify(freshName())});
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test.for([
  ['says nothing', ''],
  ['says something else', '{"pid":"me"}'],
  ['speaks no JSON', 'SSH-2.0'],
] as const)('a holder that %s still holds it', async ([, greeting]) => {
  const name = freshName();
  const server = createServer((socket) => {
    if (greeting === '') return;
    socket.end(greeting);
  });
  await new Promise<void>((resolve) => void server.listen({ path: `\0${name}` }, resolve));
  await expect(acquireInstanceLock(name)).rejects.toMatchObject({
    code: 'already-running',
    message: 'another sluice writes the rules of this node (it does not answer)',
  });
  await new Promise((resolve) => void server.close(resolve));
});
