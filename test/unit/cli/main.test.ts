import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSynthetic } from '../../../src/source/synthetic.ts';

const MAIN = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
const EXAMPLES = new URL('../../../deploy/examples', import.meta.url).pathname;

/** Options with which there is nothing to warn of. */
const QUIET = ['--cluster-cidr', '10.128.0.0/9,fd00:10:244::/56', '--node-ip', '192.168.1.1,fd00::1'];

interface Outcome {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the real program; with `hangUp` its reader goes away after the first bytes. */
function sluice(args: readonly string[], { hangUp = false } = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (hangUp) child.stdout.destroy();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, out, err }));
  });
}

describe('exit codes', () => {
  it('0: no difference', async () => {
    const outcome = await sluice(['diff', '--manifests', EXAMPLES, '--against-manifests', EXAMPLES, ...QUIET]);
    expect(outcome).toEqual({ exitCode: 0, out: expect.stringMatching(/^no differences /), err: '' });
  });

  it('1: differences', async () => {
    expect(await sluice(['diff', '--manifests', EXAMPLES, '--against', 'empty'])).toMatchObject({ exitCode: 1 });
  });

  it('2: errors, with what to do', async () => {
    expect(await sluice(['diff', '--manifests', EXAMPLES, '--against', 'nothing'])).toEqual({
      exitCode: 2,
      out: '',
      err: 'error: --against: "nothing" is not one of kernel, empty (bad-config)\n  hint: see sluice diff --help\n',
    });
  });
});

it('ends quietly when nobody reads on', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-main-'));
  const items = [...createSynthetic({ services: 2000, endpointsPerService: 4 }).events()].map(({ json }) => json);
  await writeFile(join(folder, 'many.json'), JSON.stringify({ kind: 'List', items }));
  const { exitCode, err } = await sluice(['render', '--manifests', folder, '--family', 'IPv4', ...QUIET], {
    hangUp: true,
  });
  await rm(folder, { recursive: true });
  expect([exitCode, err]).toEqual([141, '']);
});
