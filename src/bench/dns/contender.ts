import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../base/errors.ts';
import type { LineProcess } from '../../kernel/process.ts';
import { startLineProcess } from '../../kernel/process.ts';
import type { TreeUsage } from '../compare/process-tree.ts';
import { usageOf } from '../compare/process-tree.ts';
import { addressQuery, lastAddress } from './wire.ts';

/** Who is measured. */
export interface ContenderSpec {
  readonly name: string;
  /** For a shell, with the words of {@link Surroundings} in braces. */
  readonly command: string;
}

/** What the words in braces stand for: where the API server is, what to listen on, who knows other names, and files that say all that. */
export interface Surroundings {
  readonly api: string;
  readonly port: number;
  readonly upstream: string;
  readonly corefile: string;
  /** Names of the cluster are not cached. */
  readonly 'corefile:uncached': string;
}

const START_MS = 120_000;
const STOP_MS = 3000;

/** A DNS server on loopback. */
export class DnsContender {
  readonly #name: string;
  readonly #port: number;
  readonly #process: LineProcess;

  private constructor(name: string, port: number, process: LineProcess) {
    this.#name = name;
    this.#port = port;
    this.#process = process;
  }

  static async start({ name, command }: ContenderSpec, around: Surroundings): Promise<DnsContender> {
    const text = command.replaceAll(/\{(api|port|upstream|corefile(?::uncached)?)\}/g, (_, word: keyof Surroundings) =>
      String(around[word]),
    );
    const process = await startLineProcess({ file: 'sh', args: ['-c', `exec ${text}`], onLine: () => undefined });
    return new DnsContender(name, around.port, process);
  }

  get usage(): TreeUsage {
    return usageOf(this.#process.pid);
  }

  /** @returns when the name had this address, by `performance.now()`. @throws {SluiceError} when it never does. */
  async until(name: string, address: string): Promise<number> {
    const socket = createSocket('udp4');
    try {
      const connected = once(socket, 'connect');
      socket.connect(this.#port, '127.0.0.1');
      await connected;
      let found: string | undefined;
      socket.on('message', (reply: Buffer) => void (found = lastAddress(reply)));
      socket.on('error', () => undefined); // Nobody listens there yet.
      const endMs = performance.now() + START_MS;
      let id = 0;
      while (performance.now() < endMs) {
        socket.send(addressQuery(name, ++id & 0xff_ff));
        await sleep(1);
        if (found === address) return performance.now();
      }
    } finally {
      socket.close();
    }
    const words = this.#process.stderrTail().split('\n').slice(-2).join(' / ');
    throw new SluiceError({ code: 'command-failed', message: `${this.#name} does not answer for ${name}: ${words}` });
  }

  async stop(): Promise<void> {
    try {
      process.kill(this.#process.pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
    await this.#process.stop(STOP_MS);
  }
}
