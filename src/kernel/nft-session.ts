import { SluiceError } from '../base/errors.ts';
import type { LineProcess } from './process.ts';
import { startLineProcess } from './process.ts';

/** nft prints this for {@link ACKNOWLEDGE} without asking the kernel; no error message of nft starts like it. */
const ACKNOWLEDGE = 'describe meta mark';
const ACKNOWLEDGEMENT = 'meta expression, datatype mark';

/** The interactive nft remembers every line it was given (readline's history), so it is replaced after this many characters. */
const RECYCLE_AFTER_CHARACTERS = 4_000_000;

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * A long-lived `nft -i`: one line is one transaction, without the cost of starting a program. The child is started at
 * first use and again whenever it is gone.
 */
export class NftSession {
  #child: LineProcess | undefined;
  #written = 0;
  #output: string[] = [];
  #acknowledged: (() => void) | undefined;
  readonly #timeoutMs: number;

  constructor(timeoutMs = DEFAULT_TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Runs one line. Calls must not overlap.
   *
   * @returns what nft said: empty when the transaction is in the kernel, its error message when nothing is.
   * @throws {SluiceError} `command-failed` or `command-timeout` when the child died or hung: the transaction may be in the kernel or not.
   */
  async run(line: string): Promise<string> {
    const child = await this.#ready();
    this.#output = [];
    this.#written += line.length;
    const acknowledged = new Promise<'acknowledged'>((resolve) => {
      this.#acknowledged = () => resolve('acknowledged');
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#timeoutMs);
    });
    try {
      // A child that died shows in `ended` as well; its broken pipe adds nothing.
      child.writeLine(`${line}\n${ACKNOWLEDGE}`).catch(() => undefined);
      const outcome = await Promise.race([acknowledged, late, child.ended.then(() => 'ended' as const)]);
      if (outcome === 'acknowledged') return this.#output.join('\n');
      throw this.#failure(outcome);
    } finally {
      clearTimeout(timer);
      this.#acknowledged = undefined;
    }
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await child?.stop();
  }

  async #ready(): Promise<LineProcess> {
    if (this.#written > RECYCLE_AFTER_CHARACTERS) await this.close();
    if (this.#child !== undefined) return this.#child;
    this.#written = 0;
    const child = await startLineProcess({
      // One stream for both outputs keeps an error message in front of the acknowledgement that follows it.
      file: 'sh',
      args: ['-c', 'exec nft -i 2>&1'],
      // No history file.
      env: { HOME: '/nonexistent' },
      onLine: (text) => {
        if (this.#child !== child) return;
        if (text.startsWith(ACKNOWLEDGEMENT)) this.#acknowledged?.();
        else this.#output.push(text);
      },
    });
    this.#child = child;
    void child.ended.then(() => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }

  #failure(outcome: 'late' | 'ended'): SluiceError {
    const said = this.#output.at(-1) ?? 'it said nothing';
    if (outcome === 'ended') {
      return new SluiceError({
        code: 'command-failed',
        message: `the interactive nft ended unexpectedly: ${said}`,
        data: { file: 'nft' },
      });
    }
    const child = this.#child;
    this.#child = undefined;
    void child?.stop(0);
    return new SluiceError({
      code: 'command-timeout',
      message: `nft did not answer within ${this.#timeoutMs / 1000} s and was ended`,
      hint: 'another program may hold the netfilter lock, or the machine is overloaded',
      data: { file: 'nft' },
    });
  }
}
