import { readdirSync, readFileSync } from 'node:fs';
import { run } from './program-machine.ts';

/** The processes that this one has started and that are alive, all or those of a name. */
export function childrenOf(parent: number, name?: string): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const [, program, ppid] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      return Number(ppid) === parent && (name ?? program) === program ? [Number(entry)] : [];
    } catch {
      return []; // It is no process, or has ended meanwhile.
    }
  });
}

/** With this as the limit, nothing more can be opened. */
export function firstFreeDescriptor(pid: number): number {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let free = 0;
  while (open.has(free)) free++;
  return free;
}

/** As `ulimit -n`, for a process that runs. */
export async function limitDescriptors(pid: number, limit: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${limit}:`]);
}
