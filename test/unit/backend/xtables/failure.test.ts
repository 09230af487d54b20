import { describe, expect, test } from 'vitest';
import { iptablesFailure } from '../../../../src/backend/xtables/failure.ts';

const INPUT = '*nat\n-A KUBE-SERVICES -s 1.2.3.4 -j NOPE\nCOMMIT\n';

describe('what iptables says when it fails', () => {
  test.each([
    [
      'nft, at its own line',
      'iptables-nft-restore v1.8.9 (nf_tables): \nline 2: RULE_APPEND failed (Invalid argument): rule in chain KUBE-SERVICES\n',
      'RULE_APPEND failed',
    ],
    [
      'nft, while parsing',
      "iptables-nft-restore v1.8.9 (nf_tables): Chain 'NOPE' does not exist\nError occurred at line: 2\nTry `iptables-nft-restore -h' or 'iptables-nft-restore --help' for more information.\n",
      "Chain 'NOPE' does not exist",
    ],
    [
      'legacy, while parsing',
      "iptables-restore v1.8.9 (legacy): Couldn't load target `NOPE':No such file or directory\n\nError occurred at line: 2\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.\n",
      "Couldn't load target `NOPE'",
    ],
    ['legacy, by the kernel', 'iptables-restore: line 2 failed\n', 'line 2 failed'],
  ])('%s: the line is named', (_title, stderr, complaint) => {
    const failure = iptablesFailure(
      { program: 'iptables-restore', exitCode: 2, stderr, input: INPUT },
      'write the rules',
    );
    expect(failure.code).toBe('kernel-refused');
    expect(failure.message).toContain(
      `iptables-restore could not write the rules: ${complaint === 'RULE_APPEND failed' ? 'line 2: ' : ''}${complaint}`,
    );
    expect(failure.message).toContain('(line 2: -A KUBE-SERVICES -s 1.2.3.4 -j NOPE)');
    expect(failure.data).toMatchObject({ line: 2, text: '-A KUBE-SERVICES -s 1.2.3.4 -j NOPE', exitCode: 2 });
  });

  test.each([
    ['lock-busy', 'Another app is currently holding the xtables lock. Stopped waiting after 5s.\n'],
    ['lock-busy', "Can't lock /run/xtables.lock: Resource temporarily unavailable\n"],
    [
      'permission-denied',
      "iptables-restore v1.8.9 (legacy): iptables-restore: unable to initialize table 'nat'\nPermission denied (you must be root)\n",
    ],
    [
      'permission-denied',
      'iptables-nft-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)\n',
    ],
    [
      'kernel-unsupported',
      "iptables v1.8.9 (legacy): can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\n",
    ],
    ['kernel-unsupported', 'iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Invalid argument\n'],
  ])('%s', (code, stderr) => {
    expect(iptablesFailure({ program: 'iptables-restore', exitCode: 4, stderr, input: INPUT }, 'write').code).toBe(
      code,
    );
  });

  test('a program that says nothing', () => {
    const failure = iptablesFailure({ program: 'iptables-restore', exitCode: 139, stderr: '' }, 'write');
    expect(failure.message).toBe('iptables-restore could not write: no reason given');
    expect(failure.data).toMatchObject({ exitCode: 139 });
  });
});
