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
}

/** One command of the command line; its options are those of OPTIONS that name it. */
export interface CliCommand {
  readonly name: Command;
  /** One line for the help. */
  readonly summary: string;
  /** @returns the exit code. @throws {SluiceError} which {@link file://./main.ts} prints; its exit code is 2. */
  run(config: Config, io: CliIo): Promise<number>;
}
