import { describe, expect, test } from 'vitest';
import { nftBackend } from '../../../../src/backend/nft/backend.ts';
import { FakeRunner } from '../../../support/fake-runner.ts';

/** Answers `nft --version` and `nft list tables`; takes whatever it is fed. */
function machine(tables: string, version = 'nftables v1.0.6 (Lester Gooch #5)\n'): FakeRunner {
  return new FakeRunner(({ command }) => {
    if (command === 'nft --version') return { stdout: version };
    return command === 'nft list tables' ? { stdout: tables } : {};
  });
}

const FORBIDDEN = new FakeRunner(() => ({
  exitCode: 1,
  stderr: 'Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed\n',
}));

describe('probe', () => {
  test.each([
    ['nftables v1.0.6 (Lester Gooch #5)\n', 'nft 1.0.6'],
    ['nftables v1.1.1\n', 'nft 1.1.1'],
    ['something else\n', 'nft of unknown version'],
  ])('%j is %s', async (version, description) => {
    const { families, missing, ...probe } = await nftBackend.probe(machine('', version));
    expect(probe).toEqual({ description });
    expect(families[0]).toBe('IPv4');
    expect(families.length + missing.length).toBe(2);
  });

  test('without permission says so', async () => {
    await expect(nftBackend.probe(FORBIDDEN)).rejects.toMatchObject({ code: 'permission-denied' });
  });
});

describe('cleanup', () => {
  test("removes our tables and kube-proxy's, nothing else", async () => {
    const runner = machine(
      'table ip sluice\ntable ip filter\ntable inet sluice\ntable ip6 kube-proxy\ntable ip sluice-lab\n',
    );
    expect(await nftBackend.cleanup(runner)).toEqual(['nft table ip sluice', 'nft table ip6 kube-proxy']);
    expect(runner.calls.at(-1)).toEqual({
      command: 'nft -f -',
      input: 'delete table ip sluice\ndelete table ip6 kube-proxy\n',
    });
  });

  test('writes nothing where there is nothing', async () => {
    const runner = machine('table ip filter\n');
    expect(await nftBackend.cleanup(runner)).toEqual([]);
    expect(runner.calls.map(({ command }) => command)).toEqual(['nft list tables']);
  });

  test('without permission says so', async () => {
    await expect(nftBackend.cleanup(FORBIDDEN)).rejects.toMatchObject({ code: 'permission-denied' });
  });
});
