import { describe, expect, it } from 'vitest';
import { normalizeArguments, versionRequest } from '../../../src/cli/arguments.ts';

describe('command lines', () => {
  const cases: readonly [readonly string[], readonly string[]][] = [
    [[], []],
    [
      ['diff', '--rules'],
      ['diff', '--rules'],
    ],
    [['--config=x'], ['run', '--config=x']],
    [
      ['--config', 'diff'],
      ['run', '--config', 'diff'],
    ],
    [['-v=4'], ['run', '-v', '4']],
    [['-v='], ['run', '-v', '']],
    [
      ['run', '--cluster_cidr=a_b'],
      ['run', '--cluster-cidr=a_b'],
    ],
    [
      ['run', '--cluster_cidr', 'a_b'],
      ['run', '--cluster-cidr', 'a_b'],
    ],
    [['--help'], ['--help']],
    [['-h'], ['-h']],
    [
      ['run', '-'],
      ['run', '-'],
    ],
  ];
  it.each(cases)('%j', (args, expected) => {
    expect(normalizeArguments(args, 'run')).toEqual(expected);
  });
});

describe('versions', () => {
  const cases: readonly [readonly string[], string | undefined][] = [
    [[], undefined],
    [['run', '--v=4'], undefined],
    [['--version'], 'plain'],
    [['-V'], 'plain'],
    [['run', '--version=raw'], 'raw'],
    [['--version=false'], undefined],
    [['--version=1'], 'plain'],
  ];
  it.each(cases)('%j', (args, expected) => {
    expect(versionRequest(args)).toBe(expected);
  });
});
