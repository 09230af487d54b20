import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { SluiceError } from '../base/errors.ts';
import type { DnsChange } from '../model/dns-change.ts';
import type { ForwardCounters } from './forward/counters.ts';
import type { WorkerConfig, WorkerOrder, WorkerReport } from './worker.ts';

/** The thread's program as text; only the bundle has it, which is one file. */
declare const DNS_WORKER_PROGRAM: string | undefined;

/** So many changes go to the thread at once: taking them from the message is not sliced, as applying them is. */
const MAX_CHANGES = 100;

/**
 * What is made for a query is garbage with the next one. A larger young generation makes no query faster, but the process
 * larger by three times as much, and its collections longer.
 */
const YOUNG_GENERATION_MB = 2;

/** One responder thread as the main thread sees it: a queue of orders, one under way. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #orders: WorkerOrder[] = [];
  readonly #idle: (() => void)[] = [];
  readonly #counted: ((counters: ForwardCounters | undefined) => void)[] = [];
  #busy = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /**
   * @param onEnd told when the thread ends without having been stopped.
   * @throws {SluiceError} `address-unavailable`.
   */
  static async start(
    config: WorkerConfig,
    onEnd: (reason: string) => void,
  ): Promise<{ readonly thread: WorkerThread; readonly ports: readonly number[] }> {
    const options = { workerData: config, resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } };
    const worker =
      typeof DNS_WORKER_PROGRAM === 'string'
        ? new Worker(DNS_WORKER_PROGRAM, { ...options, eval: true })
        : new Worker(new URL('./worker-main.ts', import.meta.url), options);
    const [first] = (await once(worker, 'message')) as [WorkerReport];
    if (first.kind !== 'listening') {
      await worker.terminate();
      throw first.kind === 'failed' ? new SluiceError({ ...first, hint: first.hint ?? '' }) : unexpected();
    }
    const thread = new WorkerThread(worker);
    worker.on('message', (report: WorkerReport) => {
      if (report.kind === 'counted') thread.#counted.shift()?.(report.counters);
      thread.#next();
    });
    worker.on('error', (error) => onEnd(String(error)));
    worker.on('exit', (code) => onEnd(`exit code ${code}`));
    return { thread, ports: first.ports };
  }

  /** In the order of the calls. */
  apply(changes: readonly DnsChange[], serial: number): void {
    for (let start = 0; start < changes.length; start += MAX_CHANGES) {
      this.#orders.push({ kind: 'apply', changes: changes.slice(start, start + MAX_CHANGES), serial });
    }
    this.#kick();
  }

  /** Everything that was there at the start has been given to {@link apply}. */
  setSynced(): void {
    this.#orders.push({ kind: 'synced' });
    this.#kick();
  }

  /** What its forwarder has counted so far. */
  forwardCounters(): Promise<ForwardCounters | undefined> {
    return new Promise((resolve) => {
      this.#counted.push(resolve);
      this.#orders.push({ kind: 'count' });
      this.#kick();
    });
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    if (!this.#busy) return;
    await new Promise<void>((resolve) => void this.#idle.push(resolve));
  }

  /** Closes its sockets and ends it. */
  async stop(): Promise<void> {
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  #kick(): void {
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const order = this.#orders.shift();
    this.#busy = order !== undefined;
    if (order !== undefined) this.#worker.postMessage(order, []);
    else for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function unexpected(): SluiceError {
  return new SluiceError({ code: 'internal', message: 'a DNS thread did something before it listened' });
}
