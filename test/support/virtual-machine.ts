import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startLineProcess } from '../../src/kernel/process.ts';

export const PROJECT = join(import.meta.dirname, '../..');

/** How long a kernel that was asked to stop may take. */
const STOP_TIMEOUT_MS = 2000;

const TAIL_LINES = 60;

export interface Job {
  /** Program, by its path, and arguments. It runs as root, in the project's folder. */
  readonly argv: readonly string[];
  /** For boot and job. */
  readonly timeoutMs: number;
  /** Stops the machine. */
  readonly signal?: AbortSignal;
}

/** What came of a job. */
export interface JobEnd {
  /** Of the program; `undefined` when the machine ended before it. */
  readonly exitCode: number | undefined;
  /** The last lines of the program's output and of the machine's console. */
  readonly lastWords: string;
}

/** A program that is a virtual machine, with its console on standard output. */
export interface MachineCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What the kernel is told for `machine-init.sh`: what it does not know becomes the environment of its first process. */
export function initArguments(options: {
  readonly job: string;
  readonly modules: string;
  readonly share: 'hostfs' | '9p';
}): readonly string[] {
  return [`JOB=${options.job}`, `MODULES=${options.modules}`, `SHARE=${options.share}`];
}

export const INIT = join(import.meta.dirname, 'machine-init.sh');

/** Boots a machine that shares `folder` with us, for one job; it ends with it. */
export async function runJob(job: Job, folder: string, machine: MachineCommand): Promise<JobEnd> {
  await writeFile(join(folder, 'job'), `${[PROJECT, ...job.argv].join('\n')}\n`);
  const lines: string[] = [];
  const kernel = await startLineProcess({
    // Should we be killed, the kernel is told to end, and it ends its processes.
    file: 'setpriv',
    args: ['--pdeathsig', 'TERM', machine.file, ...machine.args],
    ...(machine.env !== undefined && { env: machine.env }),
    onLine: (line) => {
      lines.push(line);
      if (lines.length > TAIL_LINES) lines.shift();
    },
  });
  const { signal, timeoutMs } = job;
  const timeIsUp = AbortSignal.any([...(signal === undefined ? [] : [signal]), AbortSignal.timeout(timeoutMs)]);
  const stopped = new Promise<void>((resolve) => {
    if (timeIsUp.aborted) resolve();
    timeIsUp.addEventListener('abort', () => resolve());
  });
  await Promise.race([kernel.ended, stopped]);
  if (timeIsUp.aborted) lines.push(`stopped: ${signal?.aborted === true ? 'interrupted' : `after ${timeoutMs} ms`}`);
  await kernel.stop(STOP_TIMEOUT_MS);
  killGroup(kernel.pid);
  const [exitCode = '', output = ''] = await Promise.all(['exit-code', 'output'].map((file) => contents(folder, file)));
  const lastWords = [...output.split('\n').slice(-TAIL_LINES), ...lines, kernel.stderrTail()].join('\n').trim();
  return { exitCode: exitCode === '' ? undefined : Number(exitCode), lastWords };
}

/** Nothing is left of a machine that was killed: its processes share its session. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The usual case: it has ended with all of them.
  }
}

async function contents(folder: string, file: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, file), 'utf8');
  } catch {
    return undefined;
  }
}
