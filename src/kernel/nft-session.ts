import { SluiceError } from '../base/errors.ts';
import type { LineProcess } from './process.ts';
import { startLineProcess } from './process.ts';

/** nft prints this for {@link ACKNOWLEDGE} without asking the kernel; no error message of nft starts like it. */
const ACKNOWLEDGE = 'describe meta mark';
const ACKNOWLEDGEMENT = 'meta expression, datatype mark';

/**
 * The interactive nft remembers every line it was given (the line editor's history), so it is replaced after this many
 * characters: half a megabyte, or some 1000 changes.
 */
const RECYCLE_AFTER_CHARACTERS = 500_000;

/** What goes through a session takes milliseconds, unless somebody else has the kernel's rules locked for long. */
const DEFAULT_TIMEOUT_MS = 10_000;

export interface NftSessionOptions {
  readonly timeoutMs?: number;
  /** Told the process id of each child before it is given anything to write. */
  readonly onStarted?: (pid: number) => void;
}

/** A child that takes over once it listens. */
interface Successor {
  /** Settles once there is a child, or none can be made; never rejects. */
  readonly started: Promise<void>;
  child: LineProcess | undefined;
  listens: boolean;
}

/**
 * A long-lived `nft -i`: one line is one transaction, without the cost of starting a program. The child is started at
 * first use and again whenever it is gone. Before it has grown large another one is started beside it, so that no line waits.
 */
export class NftSession {
  #child: LineProcess | undefined;
  #successor: Successor | undefined;
  readonly #children = new Set<LineProcess>();
  #written = 0;
  #output: string[] = [];
  #acknowledged: (() => void) | undefined;
  readonly #timeoutMs: number;
  readonly #onStarted: ((pid: number) => void) | undefined;

  constructor({ timeoutMs = DEFAULT_TIMEOUT_MS, onStarted }: NftSessionOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#onStarted = onStarted;
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
      if (outcome !== 'acknowledged') throw this.#failure(outcome);
      if (this.#written > RECYCLE_AFTER_CHARACTERS) this.#successor ??= this.#prepareSuccessor();
      return this.#output.join('\n');
    } finally {
      clearTimeout(timer);
      this.#acknowledged = undefined;
    }
  }

  async close(): Promise<void> {
    await this.#successor?.started;
    this.#child = undefined;
    this.#successor = undefined;
    await Promise.all([...this.#children].map((child) => child.stop()));
  }

  async #ready(): Promise<LineProcess> {
    if (this.#successor?.listens === true) {
      void this.#child?.stop();
      this.#child = this.#successor.child;
      this.#successor = undefined;
      this.#written = 0;
    }
    if (this.#child === undefined) {
      this.#child = await this.#start();
      this.#written = 0;
    }
    return this.#child;
  }

  #prepareSuccessor(): Successor {
    const start = async (): Promise<void> => {
      successor.child = await this.#start();
      await successor.child.writeLine(ACKNOWLEDGE);
    };
    const forget = (): void => {
      if (this.#successor === successor) this.#successor = undefined;
    };
    // The old one goes on when this fails, and the next line tries again.
    const successor: Successor = {
      started: Promise.resolve().then(start).catch(forget),
      child: undefined,
      listens: false,
    };
    return successor;
  }

  async #start(): Promise<LineProcess> {
    const child = await startLineProcess({
      // One stream for both outputs keeps an error message in front of the acknowledgement that follows it.
      file: 'sh',
      args: ['-c', 'exec nft -i 2>&1'],
      // No history file.
      env: { HOME: '/nonexistent' },
      onLine: (text) => this.#hear(child, text),
    });
    this.#children.add(child);
    this.#onStarted?.(child.pid);
    void child.ended.then(() => {
      this.#children.delete(child);
      if (this.#child === child) this.#child = undefined;
      if (this.#successor?.child === child) this.#successor = undefined;
    });
    return child;
  }

  #hear(child: LineProcess, text: string): void {
    const isAcknowledgement = text.startsWith(ACKNOWLEDGEMENT);
    if (this.#successor?.child === child) this.#successor.listens ||= isAcknowledgement;
    if (this.#child !== child) return;
    if (isAcknowledgement) this.#acknowledged?.();
    else this.#output.push(text);
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
