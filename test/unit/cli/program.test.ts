import { describe, expect, it } from 'vitest';
import type { CliCommand } from '../../../src/cli/command.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { Option } from '../../../src/config/options.ts';
import { OPTIONS } from '../../../src/config/options.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { variableOf } from '../../../src/config/resolve.ts';

interface Outcome {
  readonly exitCode: number;
  readonly config: Config | undefined;
  readonly out: string;
  readonly err: string;
}

async function program(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  let config: Config | undefined;
  let out = '';
  let err = '';
  const command = (name: CliCommand['name']): CliCommand => ({
    name,
    summary: `does ${name}`,
    run: async (given) => {
      config = given;
      return 7;
    },
  });
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    stdin: (async function* none() {})(),
    env,
    colour: false,
    errColour: false,
    errLive: false,
  };
  const exitCode = await runProgram(args, { commands: [command('diff'), command('run')] }, io);
  return { exitCode, config, out, err };
}

describe('command lines', () => {
  const cases: readonly [string, readonly string[], Partial<Config>][] = [
    ['paths one after another', ['--manifests', 'a', 'b', '--rules'], { manifests: ['a', 'b'], rules: true }],
    ['an option given again', ['--manifests', 'a', '--manifests', 'b'], { manifests: ['a', 'b'] }],
    ['standard input', ['--manifests', '-', '-o', 'json'], { manifests: ['-'], output: 'json' }],
    [
      'equals signs, as kube-proxy has them',
      ['--manifests=a', '--masquerade-all=false', '--cluster-cidr=10.1.0.0/16,fd00::/48'],
      { masqueradeAll: false, clusterCidrs: ['10.1.0.0/16', 'fd00::/48'] as Config['clusterCidrs'] },
    ],
    ['a switch by its name', ['--masquerade-all', '--manifests', 'a'], { masqueradeAll: true }],
    ["kube-proxy's name", ['--manifests', 'a', '--proxy-mode', 'nftables'], { backend: 'nftables' }],
  ];
  it.each(cases)('%s', async (_name, args, expected) => {
    const { config, exitCode } = await program(['diff', ...args]);
    expect(config).toMatchObject(expected);
    expect(exitCode).toBe(7);
  });

  it("takes kube-proxy's --v=2, -v and --log-level", async () => {
    for (const args of [['--v=4'], ['-v', '4'], ['-v4'], ['--log-level', 'debug']]) {
      expect((await program(['run', '--manifests', 'a', ...args])).config?.logLevel).toBe('debug');
    }
  });

  it('uses the environment where there is no flag', async () => {
    const { config } = await program(['diff'], { SLUICE_MANIFESTS: 'm', SLUICE_STRICT: '1' });
    expect(config).toMatchObject({ manifests: ['m'], strict: true });
  });
});

describe('what is refused, with a reason', () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ['unknown option', ['diff', '--manifest', 'x'], /unknown option '--manifest' \(Did you mean --manifests\?\)/],
    ['option of another command', ['diff', '--take-over'], /unknown option '--take-over'/],
    ['unknown command', ['dif'], /unknown command 'dif' \(Did you mean diff\?\)/],
    ['value missing', ['diff', '--against'], /argument missing/],
    ['stray argument', ['diff', '--strict', 'true', 'stray'], /too many arguments/],
    ['bad value', ['diff', '--manifests', 'a', '--against', 'x'], /--against: "x" is not one of kernel, empty/],
  ];
  it.each(cases)('%s', async (_name, args, message) => {
    await expect(program(args)).rejects.toMatchObject({ code: 'bad-config', message: expect.stringMatching(message) });
  });
});

describe('help', () => {
  it('of a command names all of its options, and no others', async () => {
    const { out, exitCode } = await program(['diff', '--help']);
    expect(exitCode).toBe(0);
    for (const option of Object.values<Option>(OPTIONS)) {
      const named = out.includes(`--${option.flag} `) && out.includes(variableOf(option));
      expect([option.flag, named]).toEqual([option.flag, option.commands.includes('diff')]);
    }
  });

  it('is what one gets for nothing, as an error', async () => {
    expect(await program([])).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('does diff') });
  });

  it('and the version go to standard output', async () => {
    expect(await program(['--help'])).toMatchObject({ exitCode: 0, out: expect.stringContaining('does run'), err: '' });
    expect((await program(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
