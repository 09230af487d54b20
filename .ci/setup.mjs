// Makes a fresh clone ready: the npm packages (with the Node that the project runs on) and the system tools that the
// tests and the demo call. Plain JavaScript without dependencies, because it runs first and on the Node that is there.
// Says nothing and costs next to nothing when there is nothing to do.
//
//   node .ci/setup.mjs [--no-tools] [--kernel]     --kernel: and a kernel for the virtual machine of test/vm
//   SLUICE_SETUP_APT=never: report missing system tools, never install them

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 24;
const OLDEST_NODE_MAJOR = 20;

/** Program → the Debian package that brings it. */
const TOOLS = {
  nft: 'nftables',
  'iptables-nft': 'iptables',
  'iptables-legacy': 'iptables',
  ipset: 'ipset',
  ipvsadm: 'ipvsadm',
  conntrack: 'conntrack',
  ip: 'iproute2',
  'linux.uml': 'user-mode-linux',
  'qemu-system-x86_64': 'qemu-system-x86', // 17 MB with what it needs.
  modprobe: 'kmod',
  dig: 'bind9-dnsutils',
  dnsperf: 'dnsperf',
  'ld-musl-config': 'musl', // 400 kB: the C library of Alpine, whose resolver does as no other.
  prove: 'perl', // Not perl, which perl-base brings too, without Time::HiRes.
  // On these processors linux.uml boots only with a library of test/uml.
  ...(hasProcessorFlag('amx_tile') && { cc: 'gcc' }),
};

function hasProcessorFlag(flag) {
  const file = '/proc/cpuinfo';
  return existsSync(file) && readFileSync(file, 'utf8').includes(` ${flag} `);
}

const mayUseApt = process.env.SLUICE_SETUP_APT !== 'never';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const inRoot = (...parts) => join(root, ...parts);
const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(message, whatToDo) {
  say(`${message}\n  what to do: ${whatToDo}`);
  process.exit(1);
}

const readJson = (...parts) => JSON.parse(readFileSync(inRoot(...parts), 'utf8'));
const majorOf = (version) => Number(version.replace(/^v/, '').split('.')[0]);

function setUpPackages() {
  const stampFile = inRoot('node_modules', '.sluice-setup');
  const node = inRoot('node_modules', '.bin', 'node');
  const stamp = createHash('sha256')
    .update(readFileSync(inRoot('package.json')))
    .update(readFileSync(inRoot('package-lock.json')))
    .digest('hex');
  if (existsSync(node) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;

  refuseStaleLock();
  // A developer's own `npm install` leaves no stamp: then only look.
  if (!existsSync(node) || !installedAsLocked()) installPackages();
  provideNode(node);
  writeFileSync(stampFile, stamp);
}

/** `npm install --no-save` below would quietly install something that is not in the lock file. */
function refuseStaleLock() {
  const locked = readJson('package-lock.json').packages[''];
  const wanted = readJson('package.json');
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const pairs = (from) => Object.entries(from[kind] ?? {}).map((pair) => pair.join('@'));
    if (pairs(wanted).sort().join() === pairs(locked).sort().join()) continue;
    fail(
      `package.json and package-lock.json disagree about "${kind}"`,
      'run `npm install`, and commit package-lock.json with package.json',
    );
  }
}

/** Whether node_modules, by npm's own record of it, holds what the lock file asks for. */
function installedAsLocked() {
  if (!existsSync(inRoot('node_modules', '.package-lock.json'))) return false;
  const installed = readJson('node_modules', '.package-lock.json').packages;
  return Object.entries(readJson('package-lock.json').packages).every(([path, wanted]) => {
    if (path === '') return true;
    const found = installed[path];
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
}

function installPackages() {
  say('installing the npm packages (once, less than a minute)');
  // Not `npm ci`: it refuses a lock file that lacks a binary package of some other platform, and npm writes such lock
  // files where the registry does not serve every platform. --no-save keeps to the lock file and leaves it alone.
  const args = ['install', '--no-save', '--include=dev', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  const [file, ...first] = npm === undefined ? ['npm'] : [process.execPath, npm];
  // Standard output belongs to the command that comes after the setup.
  const { status, signal, error } = spawnSync(file, [...first, ...args], { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  const reason = error?.message ?? (signal === null ? `exit code ${status}` : signal);
  fail(
    `\`npm ${args.join(' ')}\` failed in ${root}: ${reason}`,
    'read what npm says above; most often the package registry cannot be reached (`npm ping` tells)',
  );
}

/** The package `node` fetches its binary in an install script; without one, a Node of the right age does as well. */
function provideNode(node) {
  if (!existsSync(node) && majorOf(process.version) >= NODE_MAJOR) symlinkSync(process.execPath, node);
  const { stdout, status } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (status === 0 && majorOf(stdout) >= NODE_MAJOR) return;
  fail(
    `${node} is missing or not Node ${NODE_MAJOR}: the install script of the npm package "node" did not run or failed`,
    `allow install scripts (\`npm config get ignore-scripts\`) and run \`npm rebuild node\`, or use Node ${NODE_MAJOR} or newer`,
  );
}

function setUpTools() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const missing = () => Object.keys(TOOLS).filter((tool) => !folders.some((folder) => existsSync(join(folder, tool))));
  const before = missing();
  if (before.length === 0) return;

  const packages = [...new Set(before.map((tool) => TOOLS[tool]))];
  const mayInstall = process.getuid?.() === 0 && mayUseApt;
  const hasApt = folders.some((folder) => existsSync(join(folder, 'apt-get')));
  if (mayInstall && hasApt) installTools(packages);

  const after = missing();
  if (after.length === 0) return;
  const command = `apt-get install ${[...new Set(after.map((tool) => TOOLS[tool]))].join(' ')}`;
  say(`not installed: ${after.join(', ')}; what needs them is skipped or fails (Debian, Ubuntu: ${command})`);
}

function installTools(packages) {
  say(`installing Debian packages: ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) => spawnSync('apt-get', ['-qq', ...args], { encoding: 'utf8', env });
  const install = (names) => apt('install', '--yes', '--no-install-recommends', ...names);
  apt('update');
  if (install(packages).status === 0) return;
  // One package that this distribution or architecture does not have must not keep the others away.
  for (const name of packages) {
    const { status, stderr } = install([name]);
    if (status !== 0) say(`apt-get install ${name} failed: ${(stderr ?? '').trim().split('\n').at(-1)}`);
  }
}

/** Only for `npm test`: 71 MB from the distribution, a quarter of a minute, 53 MB on disk. */
async function setUpKernel() {
  const folder = inRoot('node_modules', '.cache', 'sluice-kernel');
  if (existsSync(folder) || process.arch !== 'x64' || !mayUseApt) return;
  say("fetching Debian's kernel for the virtual machine of test/vm (once, 71 MB; it is not installed)");
  try {
    const { fetchKernel } = await import('./kernel.mjs');
    fetchKernel(folder);
  } catch (thrown) {
    say(`no kernel for test/vm, which is skipped: ${thrown.message}`);
  }
}

if (majorOf(process.version) < OLDEST_NODE_MAJOR) {
  fail(`Node ${process.version} is too old to install the packages`, `use Node ${OLDEST_NODE_MAJOR} or newer`);
}
setUpPackages();
if (!process.argv.includes('--no-tools')) setUpTools();
if (process.argv.includes('--kernel')) await setUpKernel();
