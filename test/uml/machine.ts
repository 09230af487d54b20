import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRunner } from '../../src/kernel/command.ts';
import { commandOf } from '../../src/lab/self.ts';
import type { Job, JobEnd } from '../support/virtual-machine.ts';
import { INIT, initArguments, runJob } from '../support/virtual-machine.ts';

const KERNEL = 'linux.uml';
const MODULES = '/usr/lib/uml/modules';

/** Taken from the host as it is used. */
const MEMORY_MIB = 2048;

/** Where Node finds its programs compiled, in the folder of a machine. */
const CACHE = 'compile-cache';

/** Says what keeps this machine from having virtual ones; `undefined` is nothing that can be told without booting. */
export async function missingParts(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'user-mode Linux is for Linux on x86-64';
  const found = await systemRunner.run('sh', ['-c', `command -v ${KERNEL} modprobe ip perl`]);
  if (found.exitCode !== 0) return `one of ${KERNEL} (Debian: user-mode-linux), modprobe, ip, perl is not installed`;
  return existsSync(MODULES) ? undefined : `there are no modules in ${MODULES}`;
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
    const env = {
      TMPDIR: await memoryFolder(folder),
      ...(this.#preload !== undefined && { LD_PRELOAD: this.#preload }),
    };
    return { ...(await runJob(job, folder, { file: KERNEL, args: kernelArguments(folder), env })), folder };
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
    `init=${INIT}`,
    ...initArguments({ job: folder, modules: MODULES, share: 'hostfs' }),
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
