/**
 * Runs the tests of this folder inside user-mode Linux: `node test/uml/run.ts [vitest arguments]`. That kernel has what
 * few development machines have, IPVS and SCTP sockets. Each file has a machine to itself. Where no machine can be had,
 * says why and succeeds.
 */
import { globSync, mkdirSync, renameSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInForeground } from '../../src/kernel/process.ts';
import { Machines, missingParts } from './machine.ts';

/** For one file: ten times what it takes, for machines that have other things to do. */
const FILE_TIMEOUT_MS = 900_000;
/** For a boot of two seconds. */
const PROBE_TIMEOUT_MS = 120_000;
const MACHINES_AT_A_TIME = Math.min(2, availableParallelism());

const root = join(import.meta.dirname, '../..');
const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
const command = [
  process.execPath,
  vitest,
  'run',
  '--configLoader=native',
  '--config',
  join(root, 'vitest.uml.config.ts'),
] as const;

const args = process.argv.slice(2);
const isReport = (arg: string): boolean => arg.startsWith('--reporter') || arg.startsWith('--outputFile');
const isFile = (arg: string): boolean => !arg.startsWith('-') && arg.includes('test/uml');
const wanted = args.filter(isFile).map((arg) => arg.replace(/^\.\//, '').replace(/\/$/, ''));
const files = globSync('test/uml/*.test.ts', { cwd: root })
  .filter((file) => wanted.length === 0 || wanted.some((name) => file.startsWith(name)))
  // Those of the scenarios, which take longest, come first.
  .toSorted()
  .toReversed();
const options = args.filter((arg) => !isReport(arg) && !isFile(arg));

const stopper = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopper.abort());

const missing = await missingParts();
if (missing === undefined) await runAll();
else skip(missing);

function skip(reason: string): void {
  process.stdout.write(`SKIPPED test/uml: ${reason}\n`);
}

async function runAll(): Promise<void> {
  await using machines = await Machines.prepare();
  const probe = await machines.run({ argv: ['/bin/true'], timeoutMs: PROBE_TIMEOUT_MS, signal: stopper.signal });
  if (probe.exitCode !== 0) {
    if (stopper.signal.aborted) process.exitCode = 1;
    else skip(`linux.uml does not boot here (${machines.registers}):\n${probe.lastWords}`);
    return;
  }
  const reports = join(machines.folder, 'reports');
  mkdirSync(reports);
  const queue = files.values();
  const broken: string[] = [];
  const work = async (): Promise<void> => {
    for (const file of queue) {
      if (stopper.signal.aborted || !(await runFile(machines, file, reports))) broken.push(file);
    }
  };
  await Promise.all(Array.from({ length: MACHINES_AT_A_TIME }, work));
  process.exitCode = 1;
  if (broken.length === files.length) return;

  // A report that lacks files must not pass for one of all.
  const reporting = broken.length === 0 ? args.filter(isReport) : [];
  const [node, ...merge] = [...command, `--merge-reports=${reports}`, ...reporting];
  const exitCode = await runInForeground(node, merge);
  if (broken.length === 0) process.exitCode = exitCode;
}

/** @returns whether there is a report of the file. */
async function runFile(machines: Machines, file: string, reports: string): Promise<boolean> {
  const report = 'report.json';
  const reporting = ['--reporter=default', '--reporter=blob', `--outputFile.blob=/run/job/${report}`];
  const argv = [...command, ...reporting, file, ...options];
  const end = await machines.run({ argv, timeoutMs: FILE_TIMEOUT_MS, signal: stopper.signal });
  try {
    renameSync(join(end.folder, report), join(reports, file.replaceAll('/', '-').replace(/\.ts$/, '.json')));
    return true;
  } catch {
    process.stdout.write(`${file}: the machine ended without a report; its last words:\n${end.lastWords}\n`);
    return false;
  }
}
