import type { CommandOptions, CommandResult, CommandRunner } from '../../src/kernel/command.ts';

export interface Call {
  /** The program with its arguments, joined by blanks. */
  readonly command: string;
  readonly input: string | undefined;
}

/** Programs that are not there: each command line is answered by a function, and remembered. */
export class FakeRunner implements CommandRunner {
  readonly calls: Call[] = [];
  readonly #answer: (call: Call) => Partial<CommandResult> | Promise<Partial<CommandResult>>;

  constructor(answer: (call: Call) => Partial<CommandResult> | Promise<Partial<CommandResult>>) {
    this.#answer = answer;
  }

  async run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const call = { command: [file, ...args].join(' '), input: options.input };
    this.calls.push(call);
    return { exitCode: 0, stdout: '', stderr: '', ...(await this.#answer(call)) };
  }
}
