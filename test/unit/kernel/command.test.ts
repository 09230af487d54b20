import { describe, expect, test } from 'vitest';
import { systemRunner } from '../../../src/kernel/command.ts';

const sh = (script: string, options: Parameters<typeof systemRunner.run>[2] = {}) =>
  systemRunner.run('sh', ['-c', script], options);

describe('a program that ends', () => {
  test.each([
    ['silently', 'exit 0', { exitCode: 0, stdout: '', stderr: '' }],
    ['with output on both streams', 'echo out; echo err >&2', { exitCode: 0, stdout: 'out\n', stderr: 'err\n' }],
    ['with an exit code', 'echo no >&2; exit 3', { exitCode: 3, stdout: '', stderr: 'no\n' }],
    ['in the C locale', 'echo $LC_ALL', { exitCode: 0, stdout: 'C\n', stderr: '' }],
    ['with empty input', 'cat', { exitCode: 0, stdout: '', stderr: '' }],
  ])('%s', async (_how, script, want) => {
    expect(await sh(script)).toEqual(want);
  });

  test('reads its input to the end', async () => {
    const input = `${'a line of rules\n'.repeat(100_000)}end`;
    expect(await sh('cat', { input })).toEqual({ exitCode: 0, stdout: input, stderr: '' });
  });

  test('need not read its input', async () => {
    expect(await sh('exit 2', { input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 2 });
  });

  test('gets its arguments as they are', async () => {
    const args = ['%s|', 'a b', '$(id)', '"', ';'];
    expect(await systemRunner.run('printf', args)).toMatchObject({ stdout: 'a b|$(id)|"|;|' });
  });
});

describe('a program that cannot be had', () => {
  test.each([
    ['no-such-program', 'package no-such-program'],
    ['no-iptables-restore', 'package no-iptables-restore'],
  ])('%s is missing', async (file, hint) => {
    const run = systemRunner.run(file, []);
    await expect(run).rejects.toMatchObject({
      code: 'command-missing',
      hint: expect.stringContaining(hint),
      data: { file },
    });
  });

  test.each([
    ['nft', 'nftables'],
    ['ip6tables-legacy-restore', 'iptables'],
    ['ipvsadm', 'ipvsadm'],
    ['ip', 'iproute2'],
  ])('%s would come with the package %s', async (file, packageName) => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      const run = systemRunner.run(file, []);
      await expect(run).rejects.toMatchObject({
        code: 'command-missing',
        hint: expect.stringContaining(`package ${packageName} `),
      });
    } finally {
      process.env['PATH'] = path;
    }
  });

  test('a file that is no program', async () => {
    const file = import.meta.dirname;
    await expect(systemRunner.run(file, [])).rejects.toMatchObject({ code: 'command-failed', data: { file } });
  });
});

describe('a program that does not end well', () => {
  test('is killed when its time is up', async () => {
    const startedMs = performance.now();
    const run = sh('trap "" TERM; exec sleep 30', { timeoutMs: 100 });
    await expect(run).rejects.toMatchObject({
      code: 'command-timeout',
      message: 'sh did not finish within 0.1 s and was killed',
      data: { file: 'sh', timeoutMs: 100 },
    });
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });

  test('dies by a signal', async () => {
    await expect(sh('kill -TERM $$')).rejects.toMatchObject({
      code: 'command-failed',
      message: 'cannot run sh: it was ended by SIGTERM',
    });
  });
});
