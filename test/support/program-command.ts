import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PRIVATE_NAMESPACE_VARIABLE } from '../../src/lab/private-namespace.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** A program that does not end, or does not say what is awaited, is a failure: this long is enough for any machine. */
const PATIENCE_MS = 20_000;

export interface CommandOptions {
  /** For standard input, which ends after it. */
  readonly input?: string;
  /** Instead of the variables of the same name. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program that starts the command line which is given to it, with arguments of its own. */
  readonly launcher?: readonly [string, ...string[]];
}

/** For commands that make a private namespace of their own, out of one that is private already. */
export const NAMESPACE_OF_ITS_OWN = { [PRIVATE_NAMESPACE_VARIABLE]: '' } as const;

export interface Outcome {
  /** `undefined` when a signal ended the program. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** `sluice` as a process of its own. */
export class SluiceCommand {
  static readonly #running = new Set<SluiceCommand>();
  readonly ended: Promise<Outcome>;
  readonly #child: ChildProcessWithoutNullStreams;
  #stdout = '';
  #stderr = '';
  readonly #listeners: (() => void)[] = [];

  constructor(args: readonly string[], { input = '', env = {}, launcher }: CommandOptions = {}) {
    const [program = '', ...rest] = [...(launcher ?? []), process.execPath, MAIN, ...args];
    this.#child = spawn(program, rest, { env: { ...process.env, ...env } });
    this.#child.stdin.on('error', () => undefined).end(input);
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#heard(() => (this.#stdout += text)));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => this.#heard(() => (this.#stderr += text)));
    SluiceCommand.#running.add(this);
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code) => {
        SluiceCommand.#running.delete(this);
        resolve({ exitCode: code ?? undefined, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Of the launcher, where there is one that does not replace itself. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Nobody reads what it says any more. */
  deafen(): void {
    this.#child.stderr.destroy();
  }

  get stderr(): string {
    return this.#stderr;
  }

  #heard(note: () => void): void {
    note();
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when standard error has that many lines with the text. @throws when the program ends first, or is silent. */
  async said(text: string, times = 1): Promise<void> {
    const enough = (): boolean => this.#stderr.split('\n').filter((line) => line.includes(text)).length >= times;
    const heard = new Promise<true>((resolve) => {
      const look = (): void => void (enough() && resolve(true));
      this.#listeners.push(look);
      look();
    });
    if ((await Promise.race([heard, this.ended, afterPatience()])) === true || enough()) return;
    throw new Error(`sluice did not say "${text}" ${times} times, but: ${this.#stderr}`);
  }

  /** @throws when the program does not end by itself. */
  async outcome(): Promise<Outcome> {
    const outcome = await Promise.race([this.ended, afterPatience()]);
    if (outcome === undefined) throw new Error(`sluice did not end: ${this.#stderr}`);
    return outcome;
  }

  /** Asks the program to end. */
  signal(signal: 'SIGTERM' | 'SIGINT'): Promise<Outcome> {
    this.#child.kill(signal);
    return this.outcome();
  }

  /** Ends it at once: it has no chance to tidy up. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** For the end of a test that failed: no program outlives it. */
  static async killAll(): Promise<void> {
    for (const command of SluiceCommand.#running) await command.kill();
  }
}

/** Runs `sluice` to its end. */
export function sluice(args: readonly string[], options?: CommandOptions): Promise<Outcome> {
  return new SluiceCommand(args, options).outcome();
}

function afterPatience(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), PATIENCE_MS).unref();
  });
}
