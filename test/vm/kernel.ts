import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../support/virtual-machine.ts';

/** Where .ci/kernel.mjs puts Debian's kernel. */
const FOLDER = join(PROJECT, 'node_modules/.cache/sluice-kernel');

/** A kernel that is not this machine's. */
export interface Kernel {
  readonly image: string;
  /** As `uname -r` has it. */
  readonly version: string;
  /** Its own folder of them, `…/lib/modules/<version>`. */
  readonly modules: string;
}

/** @returns `undefined` when there is none. */
export function findKernel(): Kernel | undefined {
  const modules = join(FOLDER, 'lib/modules');
  try {
    const [version] = readdirSync(modules);
    return version === undefined
      ? undefined
      : { image: join(FOLDER, 'vmlinuz'), version, modules: join(modules, version) };
  } catch {
    return undefined;
  }
}
