import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRunner } from '../../src/kernel/command.ts';
import { startLineProcess } from '../../src/kernel/process.ts';
import { commandOf } from '../../src/lab/self.ts';

const PROJECT = join(import.meta.dirname, '../..');
const KERNEL = 'linux.uml';
const MODULES = '/usr/lib/uml/modules';

/** Taken from the host as it is used. */
const MEMORY_MIB = 2048;

/** Where Node finds its programs compiled, in the folder of a machine. */
const CACHE = 'compile-cache';

/** How long a kernel that was asked to stop may take. */
const STOP_TIMEOUT_MS = 2000;

const TAIL_LINES = 60;

/** Says what keeps this machine from having virtual ones; `undefined` is nothing that can be told without booting. */
export async function missingParts(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'user-mode Linux is for Linux on x86-64';
  const found = await systemRunner.run('sh', ['-c', `command -v ${KERNEL} modprobe ip perl`]);
  if (found.exitCode !== 0) return `one of ${KERNEL} (Debian: user-mode-linux), modprobe, ip, perl is not installed`;
  return existsSync(MODULES) ? undefined : `there are no modules in ${MODULES}`;
}

/** What came of a job. */
export interface JobEnd {
  /** Of the program; `undefined` when the machine ended before it. */
  readonly exitCode: number | undefined;
  /** The last lines of the program's output and of the machine's console. */
  readonly lastWords: string;
}

export interface Job {
  /** Program, by its path, and arguments. It runs as root, in the project's folder. */
  readonly argv: readonly string[];
  /** For boot and job. */
  readonly timeoutMs: number;
  /** Stops the machine. */
  readonly signal: AbortSignal;
}

/** Where the machines' files are: a folder of our own that vanishes with this object. */
export class Machines {
  /** The job finds it at `/run/job`. */
  readonly folder: string;
  readonly #preload: string | undefined;
  #count = 0;

  private constructor(folder: string, preload: string | undefined) {
    this.folder = folder;
    this.#preload = preload;
  }

  static async prepare(): Promise<Machines> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-uml-'));
    const [preload] = await Promise.all([compilePreload(folder), fillCompileCache(join(folder, CACHE))]);
    return new Machines(folder, preload);
  }

  /** For who wonders why a machine does not boot. */
  get registers(): string {
    return this.#preload === undefined ? 'without a C compiler it cannot on a processor with AMX' : 'AMX is no matter';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /**
   * Boots a machine for one job. It shares `folder` with the machine, which can write nothing else of the host's.
   */
  async run(job: Job): Promise<JobEnd & { readonly folder: string }> {
    this.#count += 1;
    const folder = join(this.folder, String(this.#count));
    await mkdir(folder);
    await cp(join(this.folder, CACHE), join(folder, CACHE), { recursive: true });
    await writeFile(join(folder, 'job'), `${[PROJECT, ...job.argv].join('\n')}\n`);
    const lines: string[] = [];
    const kernel = await startLineProcess({
      // Should we be killed, the kernel is told to end, and it ends its processes.
      file: 'setpriv',
      args: ['--pdeathsig', 'TERM', KERNEL, ...kernelArguments(folder)],
      env: { TMPDIR: await memoryFolder(folder), ...(this.#preload !== undefined && { LD_PRELOAD: this.#preload }) },
      onLine: (line) => {
        lines.push(line);
        if (lines.length > TAIL_LINES) lines.shift();
      },
    });
    const timeIsUp = AbortSignal.any([job.signal, AbortSignal.timeout(job.timeoutMs)]);
    const stopped = new Promise<void>((resolve) => {
      if (timeIsUp.aborted) resolve();
      timeIsUp.addEventListener('abort', () => resolve());
    });
    await Promise.race([kernel.ended, stopped]);
    if (timeIsUp.aborted) lines.push(`stopped: ${job.signal.aborted ? 'interrupted' : `after ${job.timeoutMs} ms`}`);
    await kernel.stop(STOP_TIMEOUT_MS);
    killGroup(kernel.pid);
    const [exitCode = '', output = ''] = await Promise.all(
      ['exit-code', 'output'].map((file) => contents(folder, file)),
    );
    const lastWords = [...output.split('\n').slice(-TAIL_LINES), ...lines, kernel.stderrTail()].join('\n').trim();
    return { exitCode: exitCode === '' ? undefined : Number(exitCode), lastWords, folder };
  }
}

function kernelArguments(folder: string): readonly string[] {
  return [
    `mem=${MEMORY_MIB}M`,
    'rootfstype=hostfs',
    'rootflags=/',
    'ro',
    'con=null',
    'con0=fd:0,fd:1',
    `uml_dir=${folder}`,
    'quiet',
    // A kernel that panics is gone, and does not start anew.
    'panic=-1',
    'noreboot',
    `init=${join(import.meta.dirname, 'init.sh')}`,
    // What the kernel does not know becomes the environment of its first process.
    `JOB=${folder}`,
  ];
}

/** @returns the library of whole-xstate.c; `undefined` where there is no compiler, which is as well on most processors. */
async function compilePreload(folder: string): Promise<string | undefined> {
  const library = join(folder, 'whole-xstate.so');
  const source = join(import.meta.dirname, 'whole-xstate.c');
  const options = ['-O2', '-shared', '-fPIC', '-ffreestanding', '-nostdlib'];
  const command = `command -v cc >/dev/null && exec cc "$@"`;
  const { exitCode } = await systemRunner.run('sh', ['-c', command, 'cc', ...options, '-o', library, source]);
  return exitCode === 0 ? library : undefined;
}

/** A test starts a dozen agents, and to compile them takes half of their start. */
async function fillCompileCache(folder: string): Promise<void> {
  await mkdir(folder);
  const [program, ...args] = commandOf('lab-agent', new URL('../../src/lab/agent-main.ts', import.meta.url));
  const { exitCode, stderr } = await systemRunner.run('env', [`NODE_COMPILE_CACHE=${folder}`, program, ...args]);
  if (exitCode !== 0) throw new Error(stderr);
}

/** The machine's memory is a file. In containers /dev/shm may be tiny, and a disk is slower. */
async function memoryFolder(folder: string): Promise<string> {
  const shared = '/dev/shm';
  try {
    const { bavail, bsize } = await statfs(shared);
    if (bavail * bsize > MEMORY_MIB * 2 ** 20) return shared;
  } catch {
    // There is none.
  }
  return folder;
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
