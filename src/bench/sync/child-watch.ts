import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import type { Writable } from 'node:stream';

/** As much of Node's ChildProcess as is looked at. */
interface Child {
  readonly pid?: number | undefined;
  readonly spawnargs: readonly string[];
  readonly stdin: Writable | null;
  once(event: 'exit' | 'error', listener: () => void): unknown;
}

/** What one child was started with and fed, for doing it again. */
export interface Feeding {
  readonly argv: readonly string[];
  /** One text per write. */
  readonly texts: readonly string[];
}

/** When children were asked for something, by `performance.now()`; since the last {@link ChildWatch.forget}. */
export interface Marks {
  /** The first child was started, or the first byte offered to one that was there. */
  offeredMs: number | undefined;
  /** The last byte was taken by the pipe. */
  takenMs: number | undefined;
}

const POLL_MS = 20;

/**
 * Sees every program that this process starts, whatever starts it: when it is fed, with what, and how much memory it takes. So
 * the code under measurement is the one that runs on a node, without a clock in it.
 */
export class ChildWatch {
  readonly #alive = new Set<Child>();
  readonly #marks: Marks = { offeredMs: undefined, takenMs: undefined };
  #recording: { readonly child: Child; readonly texts: string[] }[] | undefined;
  #peakBytes = 0;
  #poll: NodeJS.Timeout | undefined;

  /** Node publishes each ChildProcess before it starts. */
  readonly #onChild = (message: unknown): void => {
    const { process: child } = message as { process: Child };
    this.#marks.offeredMs ??= performance.now();
    this.#alive.add(child);
    child.once('exit', () => this.#alive.delete(child));
    child.once('error', () => this.#alive.delete(child));
    // By then it has its standard input, and nobody has had the time to write to it.
    process.nextTick(() => child.stdin && this.#listen(child, child.stdin));
  };

  open(): void {
    subscribe('child_process', this.#onChild);
    this.#poll = setInterval(() => this.#look(), POLL_MS).unref();
  }

  close(): void {
    unsubscribe('child_process', this.#onChild);
    clearInterval(this.#poll);
  }

  get marks(): Readonly<Marks> {
    return this.#marks;
  }

  forget(): void {
    this.#marks.offeredMs = undefined;
    this.#marks.takenMs = undefined;
  }

  /** The most memory that any one child had (as seen every 20 ms) since the last call. A child that lives on counts from its start. */
  takePeak(): number {
    this.#look();
    const peak = this.#peakBytes;
    this.#peakBytes = 0;
    return peak;
  }

  /** Keeps what children are fed from now on, until {@link takeRecord}. */
  record(): void {
    this.#recording = [];
  }

  /** By child, in the order in which they were first fed. */
  takeRecord(): readonly Feeding[] {
    const record = this.#recording ?? [];
    this.#recording = undefined;
    return record.map(({ child, texts }) => ({ argv: child.spawnargs, texts }));
  }

  #listen(child: Child, stdin: Writable): void {
    const write = stdin.write.bind(stdin) as (chunk: unknown, ...rest: readonly unknown[]) => boolean;
    const listening = (chunk: unknown, ...rest: readonly unknown[]): boolean => {
      this.#marks.offeredMs ??= performance.now();
      this.#note(child, chunk);
      const told = rest.find((one) => typeof one === 'function') as ((error?: Error | null) => void) | undefined;
      const encoding = rest.filter((one) => typeof one === 'string');
      return write(chunk, ...encoding, (error?: Error | null) => {
        this.#marks.takenMs = performance.now();
        told?.(error);
      });
    };
    stdin.write = listening as Writable['write'];
  }

  #note(child: Child, chunk: unknown): void {
    if (this.#recording === undefined) return;
    let entry = this.#recording.find((one) => one.child === child);
    if (entry === undefined) this.#recording.push((entry = { child, texts: [] }));
    entry.texts.push(String(chunk));
  }

  #look(): void {
    for (const { pid } of this.#alive) this.#peakBytes = Math.max(this.#peakBytes, pid === undefined ? 0 : peakOf(pid));
  }
}

/** `VmHWM`: the most physical memory that it ever had. 0 for a process that has ended. */
export function peakOf(pid: number | 'self'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
