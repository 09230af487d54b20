import { SluiceError } from '../base/errors.ts';
import type { LineProcess } from '../kernel/process.ts';
import { startLineProcess } from '../kernel/process.ts';

interface Question {
  resolve(answer: string): void;
  reject(fault: SluiceError): void;
}

/** A child that answers each line with one line, in the order of the questions. */
export class LineDialog {
  readonly #name: string;
  readonly #process: LineProcess;
  readonly #open: Question[] = [];

  private constructor(name: string, process: LineProcess) {
    this.#name = name;
    this.#process = process;
    void process.ended.then(() => {
      for (const question of this.#open.splice(0)) question.reject(this.#fault('it ended'));
    });
  }

  /** `name` is for messages. @throws {SluiceError} `command-missing`, `command-failed`. */
  static async start(name: string, [file, ...args]: readonly [string, ...string[]]): Promise<LineDialog> {
    const receiver: { dialog?: LineDialog } = {};
    const onLine = (line: string): void => {
      // It says nothing before it was asked.
      if (receiver.dialog !== undefined) receiver.dialog.#open.shift()?.resolve(line);
    };
    receiver.dialog = new LineDialog(name, await startLineProcess({ file, args, onLine }));
    return receiver.dialog;
  }

  /** @throws {SluiceError} `lab-failed` when the child ends, or says nothing for `timeoutMs`; then it is of no use any more. */
  ask(line: string, timeoutMs: number): Promise<string> {
    return new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#fault(`no answer for ${timeoutMs} ms`)), timeoutMs);
      this.#open.push({
        resolve: (answer) => {
          clearTimeout(timer);
          resolve(answer);
        },
        reject: (fault) => {
          clearTimeout(timer);
          reject(fault);
        },
      });
      // One that has ended rejects all that is open.
      this.#process.writeLine(line).catch(() => undefined);
    });
  }

  /** Ends the child; what was asked is not answered any more. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.stop(STOP_GRACE_MS);
  }

  #fault(what: string): SluiceError {
    // Interpreters say first what is wrong, and then that they give up.
    const words = this.#process
      .stderrTail()
      .split('\n')
      .find((line) => line !== '');
    return new SluiceError({
      code: 'lab-failed',
      message: `${this.#name}: ${what}${words === undefined ? '' : ` (${words})`}`,
    });
  }
}

/** It has nothing to lose. */
const STOP_GRACE_MS = 50;
