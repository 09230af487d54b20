import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { systemRunner } from '../../src/kernel/command.ts';
import type { JobEnd } from '../support/virtual-machine.ts';
import { INIT, initArguments, PROJECT, runJob } from '../support/virtual-machine.ts';
import { initramfs } from './initramfs.ts';
import type { Kernel } from './kernel.ts';
import { findKernel } from './kernel.ts';

const EMULATOR = 'qemu-system-x86_64';
const PROGRAMS = [EMULATOR, 'setpriv', 'modprobe', 'ldd', 'ip', 'nft', 'iptables-nft', 'ipset', 'ipvsadm', 'conntrack'];

const MEMORY_MIB = 1024;

/** Where a job finds its folder. */
const JOB_FOLDER = '/run/job';

/** Says what keeps this machine from having such a virtual one. */
export async function missingParts(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the machine is for Linux on x86-64';
  const script = 'for program; do command -v "$program" >/dev/null || echo "$program"; done';
  const { stdout } = await systemRunner.run('sh', ['-c', script, 'sh', ...PROGRAMS]);
  const missing = stdout.split('\n').filter((line) => line !== '');
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return findKernel() === undefined
    ? "there is no kernel for the machine; `node .ci/setup.mjs --kernel` fetches Debian's"
    : undefined;
}

export interface ProgramJob {
  /** Program name in {@link JOB_FOLDER} → source; the first is run. Bundled, since Node takes long over many files here. */
  readonly programs: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Reads what came of it, in the job's folder. */
  readonly read: (folder: string) => Promise<string>;
}

/** Boots a machine, runs a program in it, and hands on what `read` found. @throws {Error} with the machine's last words. */
export async function runProgram({ programs, timeoutMs, read }: ProgramJob): Promise<string> {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error('no kernel');
  const folder = await mkdtemp(join(tmpdir(), 'sluice-vm-'));
  try {
    const [first = ''] = Object.keys(programs);
    const archive = join(folder, 'initramfs');
    await Promise.all([
      initramfs(kernel).then((bytes) => writeFile(archive, bytes)),
      ...Object.entries(programs).map(([name, source]) => bundle(source, join(folder, name))),
    ]);
    const job = { argv: [process.execPath, join(JOB_FOLDER, first)], timeoutMs };
    const end = await runJob(job, folder, { file: EMULATOR, args: emulatorArguments(kernel, { folder, archive }) });
    if (end.exitCode !== 0) throw new Error(describe(end));
    return await read(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function describe({ exitCode, lastWords }: JobEnd): string {
  const what = exitCode === undefined ? 'the machine ended before its program' : `the program ended with ${exitCode}`;
  return `${what}; last words:\n${lastWords}`;
}

async function bundle(source: string, outfile: string): Promise<void> {
  await build({
    absWorkingDir: PROJECT,
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    minifyWhitespace: true,
    logLevel: 'warning',
  });
}

function emulatorArguments(
  kernel: Kernel,
  { folder, archive }: { readonly folder: string; readonly archive: string },
): readonly string[] {
  const parameters = [
    'console=ttyS0',
    'quiet',
    // A kernel that panics is gone; with -no-reboot, so is the machine.
    'panic=-1',
    // A machine that waits for its turn on a busy host is not a broken one.
    'no_timer_check',
    'nowatchdog',
    // Each costs an emulated processor much, and has nobody to protect.
    'mitigations=off',
    'nokaslr',
    `INIT=${INIT}`,
    ...initArguments({ job: folder, modules: join(kernel.modules, '..'), share: '9p' }),
  ];
  // Emulated even where there is a /dev/kvm: in virtual machines it may be one that starts a machine and gets nowhere.
  const machine = `-nodefaults -no-user-config -no-reboot -machine pc -accel tcg -cpu max -m ${MEMORY_MIB} -display none`;
  return [
    ...`${machine} -serial stdio -device virtio-rng-pci`.split(' '),
    '-kernel',
    kernel.image,
    '-initrd',
    archive,
    '-append',
    parameters.join(' '),
    ...shared('root', '/', 'readonly=on'),
    ...shared('project', PROJECT, 'readonly=on'),
    ...shared('job', folder, 'readonly=off'),
  ];
}

/** A folder of the host's, with our rights there. */
function shared(name: string, path: string, access: string): readonly string[] {
  const options = `local,id=${name},path=${path.replaceAll(',', ',,')},security_model=none,multidevs=remap,${access}`;
  return ['-fsdev', options, '-device', `virtio-9p-pci,fsdev=${name},mount_tag=${name}`];
}
