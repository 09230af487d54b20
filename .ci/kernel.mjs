// Fetches Debian's kernel for the virtual machine of test/vm, because many machines' own has no IPVS. It is unpacked, never
// installed. Plain JavaScript without dependencies, like setup.mjs.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The newest kernel of the distribution, by the package that depends on it. */
const NEWEST = 'linux-image-amd64';

/** Of the 400 MB of modules: network, what they share, and how the machine reaches the host's files. */
const PARTS = [
  './boot/vmlinuz-*',
  '*/lib/modules/*/modules.*',
  '*/lib/modules/*/kernel/arch/x86/crypto/*',
  '*/lib/modules/*/kernel/crypto/*',
  '*/lib/modules/*/kernel/lib/*',
  '*/lib/modules/*/kernel/net/*',
  '*/lib/modules/*/kernel/fs/9p/*',
  '*/lib/modules/*/kernel/fs/fscache/*',
  '*/lib/modules/*/kernel/fs/netfs/*',
  '*/lib/modules/*/kernel/drivers/virtio/*',
  '*/lib/modules/*/kernel/drivers/net/dummy.ko*',
  '*/lib/modules/*/kernel/drivers/net/veth.ko*',
];

/**
 * Puts `vmlinuz` and `lib/modules/<version>` into a folder, which there is only when all of it is there.
 *
 * @throws {Error} saying what could not be done.
 */
export function fetchKernel(folder) {
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}-`);
  try {
    const run = (command, ...args) => runIn(work, command, args);
    const depends = run('apt-cache', 'depends', '--important', NEWEST);
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (name === undefined) throw new Error(`apt knows no package ${NEWEST}`);
    run('apt-get', '-qq', 'download', name);
    const [deb] = readdirSync(work);
    const wildcards = PARTS.map((part) => `'${part}'`).join(' ');
    // tar complains about parts that this version does not have; what is needed and missing shows in the next steps.
    run('sh', '-c', `dpkg-deb --fsys-tarfile ${deb} | tar --extract --wildcards ${wildcards} 2>/dev/null; rm ${deb}`);
    if (existsSync(join(work, 'usr/lib/modules'))) renameSync(join(work, 'usr/lib'), join(work, 'lib'));
    const [version] = readdirSync(join(work, 'lib/modules'));
    run('depmod', '--basedir', work, version);
    renameSync(join(work, 'boot', `vmlinuz-${version}`), join(work, 'vmlinuz'));
    rmSync(join(work, 'boot'), { recursive: true });
    // A temporary folder is its owner's alone; tests may be anybody's.
    chmodSync(work, 0o755);
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function runIn(cwd, command, args) {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command}: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}
