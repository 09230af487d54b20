import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SluiceError } from '../../src/base/errors.ts';
import type { CommandOptions, CommandResult, CommandRunner } from '../../src/kernel/command.ts';
import type { LineProcess } from '../../src/kernel/process.ts';
import { startLineProcess } from '../../src/kernel/process.ts';

/** What a shell answers for a program that it does not find. */
const NOT_FOUND = 127;

/**
 * Runs programs as children of one small shell, one at a time, and without a limit on their time. In user-mode Linux a fork
 * costs by the memory of who forks, and a test with its tools has a hundred times the shell's. It ends with the test.
 */
export class ShellRunner implements CommandRunner {
  readonly #files: Readonly<Record<'stdin' | 'stdout' | 'stderr', string>>;
  readonly #shell: LineProcess;
  readonly #awaited: ((line: string) => void)[];
  #last: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, shell: LineProcess, awaited: ((line: string) => void)[]) {
    this.#files = { stdin: join(folder, 'in'), stdout: join(folder, 'out'), stderr: join(folder, 'err') };
    this.#shell = shell;
    this.#awaited = awaited;
  }

  static async start(): Promise<ShellRunner> {
    const awaited: ((line: string) => void)[] = [];
    const shell = await startLineProcess({ file: 'sh', onLine: (line) => awaited.shift()?.(line) });
    return new ShellRunner(await mkdtemp(join(tmpdir(), 'shell-')), shell, awaited);
  }

  run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const result = this.#last.then(() => this.#run([file, ...args], options));
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #run(words: readonly string[], { input = '', onStarted }: CommandOptions): Promise<CommandResult> {
    const { stdin, stdout, stderr } = this.#files;
    await writeFile(stdin, input);
    const [pid, exitCode] = [this.#number(), this.#number()];
    const command = words.map(quoted).join(' ');
    await this.#shell.writeLine(`${command} <${stdin} >${stdout} 2>${stderr} & echo $!; wait $!; echo $?`);
    onStarted?.(await pid);
    if ((await exitCode) === NOT_FOUND) {
      throw new SluiceError({ code: 'command-missing', message: `the program ${words[0]} is not installed` });
    }
    const [out, err] = await Promise.all([stdout, stderr].map((file) => readFile(file, 'utf8')));
    return { exitCode: await exitCode, stdout: out ?? '', stderr: err ?? '' };
  }

  /** The next one that the shell prints. */
  #number(): Promise<number> {
    return new Promise((resolve) => {
      this.#awaited.push((line) => resolve(Number(line)));
    });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
