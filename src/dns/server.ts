import type { Clock } from '../base/clock.ts';
import type { DnsChange } from '../model/dns-change.ts';
import { Counters } from './counters.ts';
import type { ForwardCounters } from './forward/counters.ts';
import { countedZones } from './zone/settings.ts';
import type { WorkerConfig } from './worker.ts';
import { WorkerThread } from './worker-thread.ts';

export interface DnsServerOptions extends Omit<WorkerConfig, 'memory' | 'shared'> {
  /** How many threads answer; more than one share each address. */
  readonly threads: number;
  readonly clock: Clock;
  /** A thread ended by itself: what is left answers wrongly or not at all. */
  readonly onFailure: (reason: string) => void;
}

/** Cluster DNS in threads of its own, so that nothing that the main thread does delays an answer. */
export class DnsServer {
  readonly #clock: Clock;
  readonly #threads: readonly WorkerThread[];
  /** What each thread has counted. */
  readonly counters: readonly Counters[];
  /** Where it really listens, in the order of the options. */
  readonly ports: readonly number[];

  private constructor(
    clock: Clock,
    parts: { threads: readonly WorkerThread[]; counters: readonly Counters[]; ports: readonly number[] },
  ) {
    this.#clock = clock;
    this.#threads = parts.threads;
    this.counters = parts.counters;
    this.ports = parts.ports;
  }

  /** @throws {SluiceError} `address-unavailable`; then nothing is left running. */
  static async start(options: DnsServerOptions): Promise<DnsServer> {
    const { threads: count, clock, onFailure, ...config } = options;
    const threads: WorkerThread[] = [];
    const counters: Counters[] = [];
    let { listen } = config;
    try {
      for (let i = 0; i < count; i++) {
        const counted = new Counters(countedZones(config.zone).length);
        const started = await WorkerThread.start(
          { ...config, listen, shared: count > 1, memory: counted.memory },
          onFailure,
        );
        threads.push(started.thread);
        counters.push(counted);
        // A port that the kernel chose for the first is the one of all.
        listen = listen.map((point, place) => ({ ...point, port: started.ports[place] ?? point.port }));
      }
    } catch (thrown) {
      await Promise.all(threads.map((thread) => thread.stop()));
      throw thrown;
    }
    return new DnsServer(clock, { threads, counters, ports: listen.map(({ port }) => port) });
  }

  apply(changes: readonly DnsChange[]): void {
    const serial = Math.floor(this.#clock.dateMs() / 1000);
    for (const thread of this.#threads) thread.apply(changes, serial);
  }

  /** Everything that was there at the start has been applied: from now on, what is not known does not exist. */
  setSynced(): void {
    for (const thread of this.#threads) thread.setSynced();
  }

  /** Resolves when all that was applied is answered from. */
  async idle(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.idle()));
  }

  /** What the forwarder of each thread has counted. */
  async forwardCounters(): Promise<readonly ForwardCounters[]> {
    const all = await Promise.all(this.#threads.map((thread) => thread.forwardCounters()));
    return all.filter((counters) => counters !== undefined);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop()));
  }
}
