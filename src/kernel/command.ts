import type { Readable } from 'node:stream';
import { execa, ExecaError } from 'execa';
import { SluiceError } from '../base/errors.ts';
import { openOutputFile, readOutputFile } from './output-file.ts';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Written to standard input, which is closed afterwards; without it standard input is empty. */
  readonly input?: string;
  /** The program is killed (SIGKILL) after this long. Default {@link DEFAULT_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** The output is megabytes in small pieces, which is cheaper through a file than through a pipe. */
  readonly largeOutput?: boolean;
  /** Told the process id before the program gets its input. */
  readonly onStarted?: (pid: number) => void;
}

/** Long enough for 100,000 Services in one batch on a slow node, short enough that a hung tool is noticed. */
const DEFAULT_TIMEOUT_MS = 120_000;

/** For what a killed program had said to arrive. */
const PIPES_GRACE_MS = 100;

/**
 * Runs one program to its end. A non-zero exit code is a result, not an error: what it means is the caller's knowledge.
 *
 * @throws {SluiceError} `command-missing` when there is no such program, `command-timeout` when it had to be killed,
 *   `command-failed` when it could not be started or died by a signal.
 */
export interface CommandRunner {
  run(file: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
}

/** The debian packages that bring the programs sluice calls, for the hint of `command-missing`. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  nft: 'nftables',
  ip: 'iproute2',
  conntrack: 'conntrack',
  ipset: 'ipset',
  ipvsadm: 'ipvsadm',
  unshare: 'util-linux',
};

function missing(file: string): SluiceError {
  const packageName = PACKAGE_OF[file] ?? (file.startsWith('ip') && file.includes('tables') ? 'iptables' : file);
  return new SluiceError({
    code: 'command-missing',
    message: `the program ${file} is not installed or not in PATH`,
    hint: `install it (package ${packageName} on Debian and most distributions)`,
    data: { file },
  });
}

/** The real runner: child processes of this one, with the C locale so that messages can be parsed. */
export const systemRunner: CommandRunner = {
  async run(file, args, options = {}) {
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    await using output = options.largeOutput === true ? await openOutputFile() : undefined;
    const child = execa(file, args, {
      input: options.input ?? '',
      // The types of execa know small descriptors only; any will do.
      stdout: (output?.fd ?? 'pipe') as 3 | 'pipe',
      timeout: Math.ceil(timeoutMs),
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 30,
      stripFinalNewline: false,
      reject: false,
      env: { LC_ALL: 'C' },
    });
    if (child.pid !== undefined) options.onStarted?.(child.pid);
    child.nodeChildProcess.once('exit', (_code, signal) => {
      if (signal !== null) letGoOfPipes(child);
    });
    const result = await child;
    const { exitCode, stderr } = result;
    if (exitCode === undefined) throw explainFailure(file, timeoutMs, result);
    const stdout = output === undefined ? result.stdout : await readOutputFile(output);
    return { exitCode, stdout: stdout ?? '', stderr };
  },
};

/** A program that was killed may have children that live on and hold its pipes; what they say is of no interest. */
function letGoOfPipes({
  stdout,
  stderr,
}: {
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
}): void {
  setTimeout(() => {
    stdout?.destroy();
    stderr?.destroy();
  }, PIPES_GRACE_MS).unref();
}

function explainFailure(file: string, timeoutMs: number, thrown: unknown): SluiceError {
  if (!(thrown instanceof ExecaError)) {
    return new SluiceError({ code: 'command-failed', message: `cannot run ${file}`, cause: thrown, data: { file } });
  }
  if (thrown.code === 'ENOENT') return missing(file);
  if (thrown.timedOut) {
    return new SluiceError({
      code: 'command-timeout',
      message: `${file} did not finish within ${timeoutMs / 1000} s and was killed`,
      hint: 'another program may hold the kernel lock it waits for, or the machine is overloaded',
      data: { file, timeoutMs },
    });
  }
  const reason = thrown.signal === undefined ? thrown.shortMessage : `it was ended by ${thrown.signal}`;
  return new SluiceError({
    code: 'command-failed',
    message: `cannot run ${file}: ${reason}`,
    cause: thrown,
    data: { file },
  });
}
