import { readdirSync, readFileSync } from 'node:fs';

/** As nearly every Linux has it; times in /proc are in such ticks. */
const TICKS_PER_SECOND = 100;

export interface TreeUsage {
  /** Resident, summed over the processes: what they share counts in each. */
  readonly residentBytes: number;
  /** Of that, what no file is behind (`RssAnon`): other processes have none of it, and the kernel cannot drop it. */
  readonly privateBytes: number;
  /** The most that the first process ever had. */
  readonly peakBytes: number;
  /** Of the processes that there are, and of the children that have ended. */
  readonly cpuMs: number;
  readonly processes: readonly string[];
}

/** What a process and its descendants use. */
export function usageOf(pid: number): TreeUsage {
  const pids = withDescendants(pid);
  const statuses = pids.map((each) => readStatus(each));
  return {
    residentBytes: statuses.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
    privateBytes: statuses.reduce((sum, { privateBytes }) => sum + privateBytes, 0),
    peakBytes: statuses[0]?.peakBytes ?? 0,
    cpuMs: pids.reduce((sum, each) => sum + cpuMsOf(each), 0),
    processes: statuses.map(({ name, residentBytes }) => `${name} ${Math.round(residentBytes / 1e6)} MB`),
  };
}

function withDescendants(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const parent = /^\d+$/.test(entry) ? Number(statFields(Number(entry))[1]) : Number.NaN;
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

type Status = Pick<TreeUsage, 'residentBytes' | 'privateBytes' | 'peakBytes'> & { readonly name: string };

function readStatus(pid: number): Status {
  const text = read(pid, 'status');
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return {
    name: /^Name:\s*(.*)$/m.exec(text)?.[1] ?? '',
    residentBytes: bytes('VmRSS'),
    privateBytes: bytes('RssAnon'),
    peakBytes: bytes('VmHWM'),
  };
}

/** From the third on, which comes after a name that may have anything in it. */
function statFields(pid: number): readonly string[] {
  const text = read(pid, 'stat');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function cpuMsOf(pid: number): number {
  const ticks = statFields(pid)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** Empty for a process that has just ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
