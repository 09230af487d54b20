import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { run } from '../support/program-machine.ts';
import type { CpioEntry } from './cpio.ts';
import { cpioArchive, FOLDER_MODE, PROGRAM_MODE } from './cpio.ts';
import type { Kernel } from './kernel.ts';

/** What boot.sh calls. insmod is another name of kmod, which unpacks modules that are compressed. */
const PROGRAMS = {
  sh: '/bin/sh',
  insmod: '/sbin/insmod',
  mount: '/bin/mount',
  switch_root: '/sbin/switch_root',
} as const;

/** How the host's files reach the machine. */
const MODULES = ['virtio_pci', '9pnet_virtio', '9p'] as const;

/** The archive that the kernel starts from. It has programs of the host, with the libraries that they want. */
export async function initramfs({ modules, version }: Kernel): Promise<Uint8Array> {
  const programs = await Promise.all(
    Object.entries(PROGRAMS).map(async ([path, file]) => program(path === 'sh' ? 'bin/sh' : path, file)),
  );
  const libraries = await librariesOf(Object.values(PROGRAMS));
  const loaded = await loadOrder(dirname(dirname(dirname(modules))), version);
  const files = await Promise.all([
    program('init', join(import.meta.dirname, 'boot.sh')),
    ...libraries.map((file) => program(file.slice(1), file)),
    ...loaded.map((file, index) => program(`modules/${String(index).padStart(2, '0')}-${basename(file)}`, file)),
  ]);
  const folders = ['root', ...new Set([...programs, ...files].flatMap(({ path }) => foldersOf(path)))];
  return cpioArchive([
    ...folders.map((path) => ({ path, mode: FOLDER_MODE, content: new Uint8Array() })),
    ...programs,
    ...files,
  ]);
}

async function program(path: string, file: string): Promise<CpioEntry> {
  return { path, mode: PROGRAM_MODE, content: await readFile(await realpath(file)) };
}

/** `a/b/c` → `a`, `a/b` */
function foldersOf(path: string): readonly string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

/** Paths of the shared libraries, and of the one that loads them. */
async function librariesOf(files: readonly string[]): Promise<readonly string[]> {
  const listing = await run('ldd', files);
  return [...new Set(Array.from(listing.matchAll(/^\t(?:.* => )?(\/\S+) \(/gm), ([, path = '']) => path))];
}

/** Files of the modules and of those that they need, in the order in which they have to be loaded. */
async function loadOrder(base: string, version: string): Promise<readonly string[]> {
  const lists = await Promise.all(
    MODULES.map((name) => run('modprobe', ['--dirname', base, '--set-version', version, '--show-depends', name])),
  );
  return [...new Set(Array.from(lists.join('').matchAll(/^insmod (\S+)/gm), ([, path = '']) => path))];
}
