import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { SettingOptions, SettingOutcome } from './sysctl.ts';
import { setSysctl } from './sysctl.ts';

/** The section `conntrack` of kube-proxy's configuration. A duration of 0 leaves the kernel's value. */
export interface ConntrackSettings {
  /** Entries per CPU; 0 leaves the size of the table as it is, whatever `min` says. */
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedTimeoutMs: number;
  readonly tcpCloseWaitTimeoutMs: number;
  readonly tcpBeLiberal: boolean;
  readonly udpTimeoutMs: number;
  readonly udpStreamTimeoutMs: number;
}

/** More entries than this are never asked for by way of the number of CPUs. */
const MAX_BY_CPUS = 1_048_576;

/** Entries for each bucket of the hash table. */
const ENTRIES_PER_BUCKET = 4;

/** How large the table should be, 0 when nothing is asked for. */
export function wantedTableSize(
  { maxPerCore, min }: Pick<ConntrackSettings, 'maxPerCore' | 'min'>,
  cpuCount: number,
): number {
  if (maxPerCore <= 0) return 0;
  const scaled = maxPerCore * cpuCount;
  return scaled > MAX_BY_CPUS ? MAX_BY_CPUS : Math.max(scaled, min);
}

/**
 * Brings the kernel's connection tracking to these settings, as kube-proxy does (section 5.2 of the reference) but for two
 * things: a table that is larger already stays so, and a setting that cannot be changed is an outcome and no error. The
 * settings exist once the kernel has the module nf_conntrack, at the latest with the first rules.
 */
export async function applyConntrackSettings(
  settings: ConntrackSettings,
  options: SettingOptions & { readonly cpuCount?: number } = {},
): Promise<readonly SettingOutcome[]> {
  const { root = '/', cpuCount = await countCpus(root) } = options;
  const size = wantedTableSize(settings, cpuCount);
  const { tcpEstablishedTimeoutMs, tcpCloseWaitTimeoutMs, tcpBeLiberal, udpTimeoutMs, udpStreamTimeoutMs } = settings;
  const outcomes: SettingOutcome[] = [];
  if (size > 0) {
    outcomes.push(await setSysctl('net.netfilter.nf_conntrack_max', size, { root, atLeast: true }));
    const buckets = Math.floor(size / ENTRIES_PER_BUCKET);
    outcomes.push(await setSysctl('net.netfilter.nf_conntrack_buckets', buckets, { root, atLeast: true }));
  }
  const values = [
    ['tcp_timeout_established', seconds(tcpEstablishedTimeoutMs)],
    ['tcp_timeout_close_wait', seconds(tcpCloseWaitTimeoutMs)],
    ['tcp_be_liberal', tcpBeLiberal ? 1 : 0],
    ['udp_timeout', seconds(udpTimeoutMs)],
    ['udp_timeout_stream', seconds(udpStreamTimeoutMs)],
  ] as const;
  for (const [name, value] of values) {
    if (value > 0) outcomes.push(await setSysctl(`net.netfilter.nf_conntrack_${name}`, value, { root }));
  }
  return outcomes;
}

/** The kernel counts in seconds. What is asked for is never nothing. */
function seconds(ms: number): number {
  return ms > 0 ? Math.max(1, Math.floor(ms / 1000)) : 0;
}

/** The CPUs of the machine that are switched on, whatever part of them a cgroup grants this process. */
export async function countCpus(root = '/'): Promise<number> {
  const ranges = await readFile(join(root, 'sys/devices/system/cpu/online'), 'utf8').catch(() => '');
  const counts = [...ranges.matchAll(/(\d+)(?:-(\d+))?/g)].map(
    ([, first, last]) => Number(last ?? first) - Number(first) + 1,
  );
  const count = counts.reduce((sum, one) => sum + one, 0);
  return count > 0 ? count : Math.max(1, cpus().length);
}
