import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemRunner } from '../../src/kernel/command.ts';
import { acquireInstanceLock } from '../../src/kernel/instance-lock.ts';

const MODULE = fileURLToPath(new URL('../../src/kernel/instance-lock.ts', import.meta.url));

const ACQUIRE = `
  const { acquireInstanceLock } = await import(${JSON.stringify(MODULE)});
  await acquireInstanceLock().then(() => console.log('acquired'), (error) => console.log(error.code, error.data.pid));
`;

test('there is one lock in each network namespace', async () => {
  const lock = await acquireInstanceLock();
  const node = [process.execPath, '--input-type=module', '-e', ACQUIRE];
  const here = await systemRunner.run('env', node);
  const elsewhere = await systemRunner.run('unshare', ['--net', ...node]);
  await lock.release();
  expect([here.stdout, elsewhere.stdout]).toEqual([`already-running ${process.pid}\n`, 'acquired\n']);
});
