import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../base/log.ts';

/** How a kernel setting came out. `written` and `kept` are both fine; `failed` left it at `before`. */
export interface SettingOutcome {
  /** As `sysctl` names it, or `oom_score_adj`. */
  readonly name: string;
  /** Absent when it could not be read. */
  readonly before?: string;
  readonly wanted: string;
  readonly outcome: 'kept' | 'written' | 'failed';
  /** Why it failed, for people. */
  readonly reason?: string;
}

export interface SettingOptions {
  /** The value there may be higher, which is kept: somebody wanted more than we do. */
  readonly atLeast?: boolean;
  /** Where the file system starts. Default `/`. */
  readonly root?: string;
}

/** Sets `net.ipv4.ip_forward` and the like; a name with dots in it is written with slashes. Never throws. */
export function setSysctl(name: string, value: string | number, options?: SettingOptions): Promise<SettingOutcome> {
  const path = `/proc/sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;
  return setFile({ name: name.replaceAll('/', '.'), path }, String(value), options);
}

/**
 * Brings a file of one value, under /proc, to that value. A value that is right already is not written: many nodes
 * have these files read-only. Never throws.
 */
async function setFile(
  { name, path }: { readonly name: string; readonly path: string },
  wanted: string,
  { atLeast = false, root = '/' }: SettingOptions = {},
): Promise<SettingOutcome> {
  const file = join(root, path);
  let before: string | undefined;
  try {
    before = (await readFile(file, 'utf8')).trim();
    if (before === wanted || (atLeast && Number(before) >= Number(wanted))) {
      return { name, before, wanted, outcome: 'kept' };
    }
    await writeFile(file, wanted);
    return { name, before, wanted, outcome: 'written' };
  } catch (thrown) {
    const known = before === undefined ? {} : { before };
    return { name, ...known, wanted, outcome: 'failed', reason: explain(thrown) };
  }
}

function explain(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'this kernel does not have it, or not yet';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'EOPNOTSUPP':
      return `it is not writable from here (${code})`;
    default:
      return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** One line for each setting: what was changed, and as a warning what should have been. */
export function tellSettings(outcomes: readonly SettingOutcome[], log: Log): void {
  for (const { name, before, wanted, outcome, reason } of outcomes) {
    const facts = { before, wanted };
    if (outcome === 'written') log.info(`kernel setting ${name} changed`, facts);
    else if (outcome === 'failed') log.warn(`cannot change the kernel setting ${name}: ${reason}`, facts);
    else log.debug(`kernel setting ${name} is as wanted`, facts);
  }
}

/**
 * Lets packets for 127.0.0.0/8 be sent elsewhere, which NodePorts on loopback addresses need (rule N4 of the reference).
 * The rules of the backend keep others from reaching the loopback addresses that way (N5).
 */
export function allowLoopbackNodePorts(options?: SettingOptions): Promise<SettingOutcome> {
  return setSysctl('net.ipv4.conf.all.route_localnet', 1, options);
}

/** How willingly the kernel kills this process when memory runs out, and those it starts: -1000 (never) to 1000. */
export function setOomScoreAdj(value: number, options?: SettingOptions): Promise<SettingOutcome> {
  return setFile({ name: 'oom_score_adj', path: '/proc/self/oom_score_adj' }, String(value), options);
}
