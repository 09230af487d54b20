import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../src/base/errors.ts';
import type { CommandResult, CommandRunner } from '../../../src/kernel/command.ts';
import { enterPrivateNamespace, probePrivateNamespace } from '../../../src/lab/private-namespace.ts';

function runnerThat(answer: (flags: string) => CommandResult | SluiceError): CommandRunner {
  return {
    async run(_file, args) {
      const result = answer(args.slice(0, args.indexOf('env')).join(' '));
      if (result instanceof SluiceError) throw result;
      return result;
    },
  };
}

const WORKS = { exitCode: 0, stdout: '', stderr: '' };

describe('probePrivateNamespace', () => {
  test('prefers a user namespace, which needs no privileges', async () => {
    expect(await probePrivateNamespace({ runner: runnerThat(() => WORKS) })).toEqual({
      available: true,
      unshareFlags: ['--user', '--map-root-user', '--net', '--mount'],
    });
  });

  test.runIf(process.getuid?.() === 0)('does without one for a root that may not have it', async () => {
    const runner = runnerThat((flags) =>
      flags.includes('--user') ? { ...WORKS, exitCode: 1, stderr: 'no\n' } : WORKS,
    );
    expect(await probePrivateNamespace({ runner })).toEqual({ available: true, unshareFlags: ['--net', '--mount'] });
  });

  test('says why it is not available, once', async () => {
    const stderr = 'a warning\nunshare: unshare failed: Operation not permitted\n';
    const runner = runnerThat(() => ({ exitCode: 1, stdout: '', stderr }));
    const reason = 'unshare: unshare failed: Operation not permitted';
    expect(await probePrivateNamespace({ runner })).toEqual({ available: false, reason });
    await expect(enterPrivateNamespace({ runner, argv: ['true'] })).rejects.toMatchObject({
      code: 'lab-failed',
      message: expect.stringContaining(reason),
    });
  });

  test('takes a missing unshare for an answer', async () => {
    const runner = runnerThat(
      () => new SluiceError({ code: 'command-missing', message: 'the program unshare is not installed' }),
    );
    expect(await probePrivateNamespace({ runner })).toEqual({
      available: false,
      reason: 'the program unshare is not installed',
    });
  });
});
