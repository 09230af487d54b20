import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../base/errors.ts';
import type { LineProcess } from '../../kernel/process.ts';
import { startLineProcess } from '../../kernel/process.ts';
import { commandIn } from '../../lab/in-namespace.ts';
import { NETNS } from './node.ts';
import { nowMs } from './now.ts';
import type { TreeUsage } from './process-tree.ts';
import { usageOf } from './process-tree.ts';

/** Who is measured. */
export interface ContenderSpec {
  readonly name: string;
  /** For a shell, with `{config}`. */
  readonly command: string;
  /** The command for a report: without the folders of this machine. */
  readonly shown: string;
}

/** Whoever stops a service proxy waits so long for its last sync. */
const STOP_MS = 5000;

/** Lines of its log that an error quotes. */
const LAST_WORDS = 3;

/** A service proxy as a node runs it, in the node's namespace. */
export class Contender {
  readonly startedMs: number;
  /** Rejects when the process ends before {@link stop}; never resolves. */
  readonly failure: Promise<never>;
  readonly #name: string;
  readonly #process: LineProcess;
  #stopping = false;

  private constructor(name: string, process: LineProcess, startedMs: number) {
    this.#name = name;
    this.#process = process;
    this.startedMs = startedMs;
    this.failure = new Promise((_, reject) => {
      void process.ended.then(({ exitCode, signal }) => {
        if (!this.#stopping) reject(this.#fault(`it ended (${signal ?? `exit code ${exitCode}`})`));
      });
    });
    // Who is not waiting for it just now hears of it later.
    this.failure.catch(() => undefined);
  }

  /** @param command for a shell, without placeholders. */
  static async start(name: string, command: string): Promise<Contender> {
    const startedMs = nowMs();
    const [file, ...args] = commandIn(NETNS, ['sh', '-c', `exec ${command}`]);
    const process = await startLineProcess({ file, args, onLine: () => undefined });
    return new Contender(name, process, startedMs);
  }

  /** What the work comes to, unless the process ends before. @throws {SluiceError} with the contender's last words. */
  async during<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.failure]);
    } catch (thrown) {
      // What does not answer any more may just have ended.
      await Promise.race([this.failure, sleep(50)]);
      if (thrown instanceof SluiceError && thrown.code === 'lab-failed') throw this.#fault(thrown.message);
      throw thrown;
    } finally {
      work.catch(() => undefined);
    }
  }

  usage(): TreeUsage {
    return usageOf(this.#process.pid);
  }

  /** Of one core, over the time. */
  async cpuShare(durationMs: number): Promise<number> {
    const before = this.usage().cpuMs;
    const startMs = nowMs();
    await sleep(durationMs);
    return (this.usage().cpuMs - before) / (nowMs() - startMs);
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    try {
      process.kill(this.#process.pid, 'SIGTERM');
    } catch {
      // It has ended.
    }
    await this.#process.stop(STOP_MS);
  }

  #fault(what: string): SluiceError {
    const stderr = this.#process.stderrTail();
    const words = stderr.split('\n').filter((line) => line !== '');
    const said = words.length === 0 ? 'it said nothing' : `its last words: ${words.slice(-LAST_WORDS).join(' / ')}`;
    return new SluiceError({
      code: 'command-failed',
      message: `${this.#name}: ${what}; ${said}`,
      hint: 'run the command by hand with a KubeProxyConfiguration; it must be one that a node could start it with',
      data: { stderr },
    });
  }
}
