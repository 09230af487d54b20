import { expect, test } from 'vitest';
import { openOutputFile, readOutputFile } from '../../../src/kernel/output-file.ts';
import { systemRunner } from '../../../src/kernel/command.ts';

test('large output arrives whole, with what the program says and its exit code', async () => {
  const script = 'i=0; while [ $i -lt 3000 ]; do printf "%s " $i; i=$((i+1)); done; echo é >&2; exit 3';
  const large = await systemRunner.run('sh', ['-c', script], { largeOutput: true });
  expect(large).toEqual(await systemRunner.run('sh', ['-c', script]));
  expect(large.stdout).toHaveLength(13_890);
});

test('input is fed and time is limited as always', async () => {
  expect(await systemRunner.run('cat', [], { input: 'é\n', largeOutput: true })).toEqual({
    exitCode: 0,
    stdout: 'é\n',
    stderr: '',
  });
  await expect(systemRunner.run('sleep', ['5'], { timeoutMs: 50, largeOutput: true })).rejects.toMatchObject({
    code: 'command-timeout',
  });
  await expect(systemRunner.run('no-such-program', [], { largeOutput: true })).rejects.toMatchObject({
    code: 'command-missing',
  });
});

test('what is read is all that was written, however often', async () => {
  await using file = await openOutputFile();
  if (file === undefined) throw new Error('no folder can be written to');
  expect(await readOutputFile(file)).toBe('');
  await file.write('one');
  expect(await readOutputFile(file)).toBe('one');
  await file.write(' two'.repeat(500_000));
  expect(await readOutputFile(file)).toBe(`one${' two'.repeat(500_000)}`);
});
