import { SluiceError } from '../base/errors.ts';
import type { Command } from '../config/options.ts';
import type { Config } from '../config/resolve.ts';

/** The outside of a command: everything that a test has to own. */
export interface CliIo {
  /** Results. */
  readonly out: (text: string) => void;
  /** Complaints. */
  readonly err: (text: string) => void;
  readonly stdin: AsyncIterable<Buffer | string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** May results be coloured? */
  readonly colour: boolean;
  /** May complaints and log lines be coloured? */
  readonly errColour: boolean;
  /** May complaints be written over, as a progress bar is? */
  readonly errLive: boolean;
}

/**
 * One command of the command line; its options are those of OPTIONS that name it. What it needs to run is imported when it runs:
 * a process is one command for as long as it lives, and the others would only be memory.
 */
export interface CliCommand {
  readonly name: Command;
  /** One line for the help. */
  readonly summary: string;
  /** What it takes besides options: `<name>`, or `[name]` for what can be left out. */
  readonly operands?: readonly string[];
  /** @returns the exit code. @throws {SluiceError} which {@link file://./main.ts} prints; its exit code is 2. */
  run(config: Config, io: CliIo, operands: readonly string[]): Promise<number>;
}

/** One option of a {@link ToolCommand}. */
export interface ToolOption {
  /** Without the leading dashes. */
  readonly flag: string;
  /** What the help calls the value; an option without one is a switch. */
  readonly valueName?: string;
  readonly default?: string;
  /** May be given several times; then the value is a list. */
  readonly repeatable?: true;
  readonly description: string;
}

/** What the command line gave, by flag, with the defaults. */
export class ToolValues {
  readonly #given: Readonly<Record<string, unknown>>;

  constructor(given: Readonly<Record<string, unknown>>) {
    this.#given = given;
  }

  /** Was the switch given? */
  has(flag: string): boolean {
    return this.#given[flag] === true;
  }

  text(flag: string): string | undefined {
    const value = this.#given[flag];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws {SluiceError} `bad-config` without a value. */
  required(flag: string): string {
    const value = this.text(flag);
    if (value !== undefined) return value;
    throw new SluiceError({ code: 'bad-config', message: `--${flag} is missing` });
  }

  /** All values of a repeatable option; none when it was not given. */
  list(flag: string): readonly string[] {
    const value = this.#given[flag];
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  }
}

/** A command of a {@link ToolGroup}. It programs no node, so its options are its own: in no file, no variable. */
export interface ToolCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly ToolOption[];
  /** @returns the exit code. @throws {SluiceError} as {@link CliCommand.run}. */
  run(values: ToolValues, io: CliIo): Promise<number>;
}

/** Commands under a common first word: `sluice bench sync`. */
export interface ToolGroup {
  readonly name: string;
  readonly summary: string;
  /** Asked for when one of them is wanted, see {@link CliCommand}. */
  load(): Promise<readonly ToolCommand[]>;
}
