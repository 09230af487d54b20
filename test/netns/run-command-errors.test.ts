import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BACKENDS } from '../../src/backend/registry.ts';
import type { CommandOptions } from '../support/program-command.ts';
import { sluice, SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, nftTables, run, savedAll } from '../support/program-machine.ts';
import { manifestOf } from '../support/program-objects.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const BACKEND_NAMES = [...new Set(PROGRAM_VARIANTS.map(({ backend }) => backend.name))];
const MANIFEST = manifestOf([{ name: 'web', id: 10, pods: ['pod-b', 'remote-a'] }]);

/** Root of a user namespace of its own, which owns nothing here; root without one capability. */
const POWERLESS = [
  { title: 'root of a user namespace inside', launcher: ['unshare', '--user', '--map-root-user'] },
  { title: 'root without NET_ADMIN', launcher: ['setpriv', '--bounding-set', '-net_admin'] },
] as const;

let folder: string;
let before: Awaited<ReturnType<typeof savedAll>>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-errors-'));
  before = await savedAll();
});

afterEach(async () => {
  await SluiceCommand.killAll();
  await emptyMachine();
  await rm(folder, { recursive: true });
});

async function expectNothingWritten(): Promise<void> {
  expect(await nftTables()).toEqual([]);
  expect(await savedAll()).toEqual(before);
}

/** A folder for PATH that has these programs and no others. */
async function pathWith(...programs: readonly string[]): Promise<string> {
  for (const program of programs) {
    const places = (process.env['PATH'] ?? '').split(delimiter).map((place) => join(place, program));
    const found = await run('sh', ['-c', 'for f; do [ ! -x "$f" ] || { echo "$f"; break; }; done', 'sh', ...places]);
    await symlink(found.trim(), join(folder, program));
  }
  return folder;
}

describe.each(BACKEND_NAMES)('%s', (backend) => {
  const args = (command: string): readonly string[] =>
    command === 'cleanup' ? [command, '--backend', backend] : [command, '--backend', backend, '--manifests', '-'];

  /** What all commands that need the kernel's rules say, side by side. */
  async function errors(options: CommandOptions): Promise<readonly (readonly [exitCode: number, error: string])[]> {
    const commands = ['run', 'diff', 'cleanup'];
    const outcomes = commands.map((command) => sluice(args(command), { input: MANIFEST, ...options }));
    return (await Promise.all(outcomes)).map(({ exitCode = 0, stderr }) => [exitCode, stderr]);
  }

  test.each(POWERLESS)('$title may neither write nor read rules', async ({ launcher }) => {
    const error = expect.stringMatching(/^error: .*\(permission-denied\)\n {2}hint: .*NET_ADMIN.*\n$/);
    expect(await errors({ launcher })).toEqual([2, 2, 2].map((exitCode) => [exitCode, error]));
    await expectNothingWritten();
  });

  test('who may not touch rules may render them, and compare them with nothing', async () => {
    const [{ launcher }] = POWERLESS;
    const [rendered, compared] = await Promise.all([
      sluice(args('render'), { input: MANIFEST, launcher }),
      sluice([...args('diff'), '--against', 'empty'], { input: MANIFEST, launcher }),
    ]);
    expect(rendered).toMatchObject({ exitCode: 0, stdout: expect.stringMatching('^# IPv4\n') });
    expect(compared).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('+ demo/web:tcp') });
  });

  test('a missing tool is named', async () => {
    const env = { PATH: await pathWith('sh') };
    const error = expect.stringMatching(/^error: .*(?:nft|iptables).*\(command-missing\)\n {2}hint: install .*\n$/);
    expect(await errors({ env })).toEqual([2, 2, 2].map((exitCode) => [exitCode, error]));
    await expectNothingWritten();
  });

  test('another proxy that is running is not fought with, unless it shall be', async () => {
    const other = await listen(10_249);
    try {
      const refused = await sluice(args('run'), { input: MANIFEST });
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('(other-proxy-running)') });
      expect(refused.stderr).toContain('10249');
      await expectNothingWritten();
      const taken = await sluice([...args('run'), '--take-over'], { input: MANIFEST });
      expect(taken).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('rules written') });
      expect(await sluice(args('diff'), { input: MANIFEST })).toMatchObject({ exitCode: 0 });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  });

  test('manifests that cannot be read', async () => {
    const missing = await sluice(['run', '--backend', backend, '--manifests', join(folder, 'none.yaml')]);
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/none\.yaml.*\(file-unreadable\)/) });
    const file = join(folder, 'bad.yaml');
    await writeFile(file, 'kind: Service\nmetadata: [\n');
    const broken = await sluice(['run', '--watch', '--backend', backend, '--manifests', file]);
    expect(broken).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/bad\.yaml:\d+.*\(bad-yaml\)/) });
    await expectNothingWritten();
  });
});

test('all tools missing is no obstacle to a cleanup of everything', async () => {
  const { exitCode, stdout, stderr } = await sluice(['cleanup'], { env: { PATH: await pathWith('sh') } });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'there was nothing to remove\n' });
  expect(stderr.match(/^skipped /gm)).toHaveLength(BACKENDS.length);
});

test('nft alone is enough for the default backend', async () => {
  const env = { PATH: await pathWith('sh', 'nft') };
  const { exitCode, stderr } = await sluice(['run', '--manifests', '-', '-v', 'warn'], { input: MANIFEST, env });
  expect(exitCode).toBe(0);
  expect(stderr).not.toMatch(/ ERROR |command-missing/);
  expect(await nftTables()).toEqual(['ip sluice', 'ip6 sluice']);
});

test('on a machine without rules the default backend makes its two tables and nothing else', async () => {
  const show = `nft list tables; iptables-legacy-save; ip6tables-legacy-save`;
  const script = `ip link set lo up; "$@" || exit; ${show}; "$1" "$2" cleanup >&2; ${show}; echo end`;
  const launcher = ['unshare', '--net', 'sh', '-c', script, 'sh'] as const;
  const { stdout } = await sluice(['run', '--manifests', '-'], { input: MANIFEST, launcher });
  expect(stdout).toBe('table ip sluice\ntable ip6 sluice\nend\n');
});

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
