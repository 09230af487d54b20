import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemRunner } from '../../src/kernel/command.ts';
import { FAULTS, FINE, SAMPLE_TABLE } from '../support/nft-faults.ts';
import { emptyMachine, nft, run } from '../support/program-machine.ts';

/** What the fake kernel of the unit tests is held to, asked of the real one. */
describe('the real kernel', () => {
  beforeEach(() => nft(SAMPLE_TABLE));

  afterEach(emptyMachine);

  /** @returns what nft had against it. */
  async function complaint(batch: string): Promise<string> {
    const { exitCode, stderr } = await systemRunner.run('nft', ['-f', '-'], { input: `${batch}\n` });
    return exitCode === 0 ? '' : stderr;
  }

  test.each(FAULTS)('refuses: %s', async (_what, batch) => {
    const before = await run('nft', ['list', 'ruleset']);
    expect(await complaint(`add chain ip sluice extra; ${batch}`)).not.toBe('');
    expect(await run('nft', ['list', 'ruleset'])).toBe(before);
  });

  test.each(FINE)('takes: %s', async (_what, batch) => {
    expect(await complaint(batch)).toBe('');
  });
});
