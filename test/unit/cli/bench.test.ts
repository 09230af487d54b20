import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { benchGroup } from '../../../src/cli/bench.ts';
import type { ToolGroup, ToolValues } from '../../../src/cli/command.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { REPORT } from '../../support/bench-report.ts';

interface Outcome {
  readonly exitCode: number;
  readonly out: string;
}

async function program(args: readonly string[], group: ToolGroup = benchGroup): Promise<Outcome> {
  let out = '';
  const exitCode = await runProgram(
    args,
    { commands: [], groups: [group] },
    {
      out: (text) => void (out += text),
      err: () => undefined,
      stdin: (async function* none() {})(),
      env: {},
      colour: false,
      errColour: false,
      errLive: false,
    },
  );
  return { exitCode, out };
}

describe('a group of commands', () => {
  let given: ToolValues | undefined;
  const group: ToolGroup = {
    name: 'tools',
    summary: 'several',
    load: async () => [
      {
        name: 'hammer',
        summary: 'hits',
        options: [
          { flag: 'weight', valueName: 'kg', default: '1', description: 'of the head' },
          { flag: 'nail', valueName: 'name', repeatable: true, description: 'what to hit' },
          { flag: 'colour', valueName: 'name', description: 'of the handle' },
          { flag: 'hard', description: 'with force' },
        ],
        run: async (values) => {
          given = values;
          return 3;
        },
      },
    ],
  };

  it('gives its command the options by their kind', async () => {
    const { exitCode } = await program(['tools', 'hammer', '--nail', 'a', '--hard', '--nail', 'b'], group);
    expect(exitCode).toBe(3);
    expect(given?.text('weight')).toBe('1');
    expect(given?.list('nail')).toEqual(['a', 'b']);
    expect(given?.has('hard')).toBe(true);
    expect([given?.text('colour'), given?.list('colour')]).toEqual([undefined, []]);
    expect(() => given?.required('colour')).toThrow('--colour is missing');
  });

  it.each([
    [['tools', 'hammer', '--saw'], /unknown option '--saw'/],
    [['tools', 'saw'], /unknown command 'saw'/],
    [['tools', 'hammer', 'nail'], /too many arguments/],
    [['tools', 'hammer', '--weight'], /argument missing/],
  ])('refuses %j', async (args, message) => {
    await expect(program(args, group)).rejects.toThrow(message);
  });

  it('has a help of its own', async () => {
    const { out } = await program(['tools', 'hammer', '--help'], group);
    expect(out).toMatch(/--weight <kg> +of the head \(default: "1"\)/);
  });
});

describe('bench sync', () => {
  it.each([
    [['--services', '5x'], '--services: "5x" is not a positive whole number'],
    [['--runs', '0'], '--runs: "0" is not a whole number from 1 on'],
    [['--backend', 'ebpf'], '--backend: "ebpf" is not one of nft,'],
    [['--scenarios', 'hot'], '--scenarios: "hot" is not one of cold,'],
    [['--seed', 'x'], '--seed: "x" is not a whole number from 0 on'],
    [['--report', '/proc/nowhere/report.html'], 'cannot write /proc/nowhere/report.html'],
  ])('refuses %j before anything is measured', async (args, message) => {
    await expect(program(['bench', 'sync', ...args])).rejects.toThrow(message);
  });
});

describe('bench report', () => {
  let folder: string;
  const at = (name: string): string => join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-report-'));
    await writeFile(at('sync.json'), JSON.stringify(REPORT));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('prints', async () => {
    const { out } = await program(['bench', 'report', '--from', at('sync.json')]);
    expect(out).toMatch(/^Rule-sync latency\n2 × Example 9000/);
  });

  it('writes a page of all and a picture of the first, and makes their folders', async () => {
    const from = ['--from', at('sync.json'), '--from', at('sync.json')];
    const { out } = await program([
      'bench',
      'report',
      ...from,
      '--report',
      at('a/b.html'),
      '--picture',
      at('c.svg'),
      '--chart',
      'Create',
    ]);
    expect(out).toBe('');
    expect((await readFile(at('a/b.html'), 'utf8')).match(/<h1>/g)).toHaveLength(2);
    expect((await readFile(at('c.svg'), 'utf8')).match(/<svg/g)).toHaveLength(2);
  });

  it('says what is wrong with a file', async () => {
    await writeFile(at('text.json'), 'Rule-sync latency');
    await writeFile(at('old.json'), '{"format":"sluice-bench/0"}');
    const report = (...args: readonly string[]): Promise<Outcome> => program(['bench', 'report', ...args]);
    await expect(report()).rejects.toThrow('--from is missing');
    await expect(report('--from', at('none.json'))).rejects.toThrow(/none\.json cannot be read/);
    await expect(report('--from', at('text.json'))).rejects.toThrow(/text\.json is not JSON/);
    await expect(report('--from', at('old.json'))).rejects.toThrow(/is not a report of this version/);
    const nothing = report('--from', at('sync.json'), '--picture', at('c.svg'), '--chart', 'nothing');
    await expect(nothing).rejects.toThrow('--chart: no chart has such a title');
  });
});
