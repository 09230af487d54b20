import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { NAMESPACE_OF_ITS_OWN, SluiceCommand } from '../support/program-command.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Long enough for both to start twice on a very busy machine. */
const PATIENCE_MS = 180_000;

afterEach(() => SluiceCommand.killAll());

const SMALL = ['--services', '3', '--rounds', '2', '--pause', '50', '--settle', '0', '--idle', '0', '--churn', '2'];

interface CompareJson {
  readonly skipped: readonly { readonly what: string; readonly reason: string }[];
  readonly details: {
    readonly outcomes: readonly {
      readonly contender: string;
      readonly sample: {
        readonly startMs: number;
        readonly loadedBytes: number;
        readonly changes: Readonly<Record<string, readonly number[]>>;
        readonly switchedBusy: readonly number[];
      };
    }[];
  };
}

function compare(peer: string): Promise<{ exitCode: number | undefined; stdout: string; stderr: string }> {
  // The fake API server: a real one takes half a minute to start.
  const env = { ...NAMESPACE_OF_ITS_OWN, KUBEBUILDER_ASSETS: '' };
  return new SluiceCommand(['bench', 'compare', '--peer', peer, ...SMALL, '--json'], { env }).ended;
}

test('sluice and a peer program the same Services, in turn', { timeout: PATIENCE_MS }, async () => {
  const { exitCode, stdout, stderr } = await compare(`${process.execPath} ${MAIN} run --config {config:iptables}`);
  expect(stderr).toContain('3 Services: node iptables: 100 changes a second');
  expect(exitCode).toBe(0);
  const { outcomes } = (JSON.parse(stdout) as CompareJson).details;
  expect(outcomes.map(({ contender }) => contender)).toEqual(['sluice', 'node iptables']);
  for (const { sample } of outcomes) {
    expect(sample.startMs).toBeGreaterThan(0);
    expect(sample.loadedBytes).toBeGreaterThan(10e6);
    expect(Object.values(sample.changes).map(({ length }) => length)).toEqual([2, 2, 2]);
    expect(sample.switchedBusy).not.toEqual([]);
  }
});

test('a peer that gives up half way is left out, and the rest is told', { timeout: PATIENCE_MS }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const mark = join(folder, 'started');
  const program = `${process.execPath} ${MAIN} run --config {config}`;
  const once = `sh -c 'test -e ${mark} && { echo enough >&2; exit 5; }; touch ${mark}; exec ${program}'`;
  const { exitCode, stdout } = await compare(`tired=${once}`);
  await rm(folder, { recursive: true });
  expect(exitCode).toBe(0);
  const { details, skipped } = JSON.parse(stdout) as CompareJson;
  expect(details.outcomes.map(({ contender }) => contender)).toEqual(['sluice']);
  expect(skipped[0]).toMatchObject({
    what: 'tired with 3 Services',
    reason: 'tired: it ended (exit code 5); its last words: enough',
  });
});

test.each([
  ['sh -c "echo cannot do that >&2; exit 3" {config}', /sh: it ended \(exit code 3\); its last words: cannot do that/],
  ['/nowhere/kube-proxy --config {config}', /kube-proxy: it ended \(exit code 127\); its last words: .*not found/],
])('a peer that does not start is named: %s', { timeout: PATIENCE_MS }, async (peer, message) => {
  const { exitCode, stderr } = await compare(peer);
  expect(stderr).toMatch(message);
  expect(stderr).toContain('(command-failed)');
  expect(exitCode).toBe(2);
});

test('whoever is interrupted leaves no process behind', { timeout: PATIENCE_MS }, async () => {
  const mark = `SLUICE_TEST_MARK=${randomUUID()}`;
  const [name = '', value = ''] = mark.split('=');
  const env = { ...NAMESPACE_OF_ITS_OWN, KUBEBUILDER_ASSETS: '', [name]: value };
  const command = new SluiceCommand(['bench', 'compare', ...SMALL], { env });
  const contender = (): boolean => processesMarked(mark).some((line) => line.includes('--config'));
  await expect.poll(contender, { timeout: PATIENCE_MS / 2, interval: 20 }).toBe(true);
  await command.signal('SIGTERM');
  await expect.poll(() => processesMarked(mark), { timeout: 20_000, interval: 100 }).toEqual([]);
});

/** Command lines of the processes that were started with something in their environment. */
function processesMarked(mark: string): readonly string[] {
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'utf8');
    } catch {
      return ''; // It has just ended.
    }
  };
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.filter((pid) => read(pid, 'environ').split('\0').includes(mark)).map((pid) => read(pid, 'cmdline'));
}
