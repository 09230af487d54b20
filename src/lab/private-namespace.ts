import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import { runInForeground } from '../kernel/process.ts';
import { execThatEndsWithUs } from './end-with-us.ts';

/** Set to `1` in the environment of everything that runs inside a private namespace. */
export const PRIVATE_NAMESPACE_VARIABLE = 'SLUICE_PRIVATE_NAMESPACE';

export type PrivateNamespaceProbe =
  | { readonly available: true; readonly unshareFlags: readonly string[] }
  | { readonly available: false; readonly reason: string };

export interface PrivateNamespaceOptions {
  /** What to run inside, program first. Default: this very program with its arguments. */
  readonly argv?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Runs the probe. */
  readonly runner?: CommandRunner;
  /**
   * Keep the machine's user namespace where root allows it, as a daemon on a node has it: for measurements, because the
   * kernel grants a user namespace small socket buffers only. Default false: a root that can do less harm.
   */
  readonly keepUser?: boolean;
}

/**
 * New user, network and mount namespaces need no privileges; some containers have a root that may do without the first.
 */
const FLAGS_FOR_ANYONE = ['--user', '--map-root-user', '--net', '--mount'];
const FLAGS_FOR_ROOT = ['--net', '--mount'];

/**
 * A /run of our own makes `ip netns` and the xtables lock private, and a fresh /sys shows our interfaces. Where a
 * container has /proc/sys read-only it is opened again; the test writes a value that is there already.
 */
const SET_UP = `
mount -t tmpfs -o mode=755 tmpfs /run
mount -t sysfs sysfs /sys 2>/dev/null || true
writable() { { value=$(cat "$1") && echo "$value" > "$1"; } 2>/dev/null; }
forward=/proc/sys/net/ipv4/ip_forward
writable $forward || { mount -o remount,bind,rw /proc/sys && writable $forward; }
ip link set lo up
`;

/** What the lab will need, tried in namespaces that vanish with the probe. */
const TRY_OUT = `
ip netns add probe
ip link add probe0 type bridge
ip link add probe1 type veth peer name eth0 netns probe
`;

/** PATH of unprivileged users often lacks the folders that hold `ip` and `nft`. */
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';

const PROBE_TIMEOUT_MS = 10_000;

/** Was this process started by {@link enterPrivateNamespace}, or by a process that was? */
export function isInsidePrivateNamespace(): boolean {
  return process.env[PRIVATE_NAMESPACE_VARIABLE] === '1';
}

/** Can this user have network namespaces of their own here? Tries it, and leaves nothing behind. Never throws. */
export async function probePrivateNamespace(
  options: Pick<PrivateNamespaceOptions, 'runner' | 'keepUser'> = {},
): Promise<PrivateNamespaceProbe> {
  const { runner = systemRunner, keepUser = false } = options;
  const forRoot = keepUser ? [FLAGS_FOR_ROOT, FLAGS_FOR_ANYONE] : [FLAGS_FOR_ANYONE, FLAGS_FOR_ROOT];
  const candidates = process.getuid?.() === 0 ? forRoot : [FLAGS_FOR_ANYONE];
  const reasons: string[] = [];
  for (const unshareFlags of candidates) {
    const args = [...unshareFlags, 'env', `PATH=${pathWithSystemFolders()}`, 'sh', '-ec', SET_UP + TRY_OUT];
    try {
      const result = await runner.run('unshare', args, { timeoutMs: PROBE_TIMEOUT_MS });
      if (result.exitCode === 0) return { available: true, unshareFlags };
      reasons.push(lastLine(result.stderr) ?? `unshare ended with exit code ${result.exitCode}`);
    } catch (thrown) {
      reasons.push(toSluiceError(thrown).message);
    }
  }
  return { available: false, reason: [...new Set(reasons)].join('; ') };
}

/**
 * Runs a program inside fresh user, network and mount namespaces, as root of these: with its own `lo`, `/run` and
 * `/sys`, and nothing of the machine's network in reach. Standard streams and signals pass through; the program is
 * ended when we die.
 *
 * @returns its exit code.
 * @throws {SluiceError} `lab-failed` when this machine does not allow it.
 */
export async function enterPrivateNamespace(options: PrivateNamespaceOptions = {}): Promise<number> {
  const probe = await probePrivateNamespace(options);
  if (!probe.available) {
    throw new SluiceError({
      code: 'lab-failed',
      message: `cannot make private network namespaces: ${probe.reason}`,
      hint: 'run as root, or allow unprivileged user namespaces (user.max_user_namespaces, AppArmor, container policy)',
    });
  }
  const argv = options.argv ?? [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const enter = SET_UP + execThatEndsWithUs();
  return runInForeground('unshare', [...probe.unshareFlags, 'sh', '-ec', enter, 'sluice', ...argv], {
    PATH: pathWithSystemFolders(),
    [PRIVATE_NAMESPACE_VARIABLE]: '1',
    ...options.env,
  });
}

function pathWithSystemFolders(): string {
  return `${process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin'}:${SYSTEM_FOLDERS}`;
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1) || undefined;
}
