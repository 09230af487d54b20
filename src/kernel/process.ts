import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { SluiceError } from '../base/errors.ts';

export interface LineProcessOptions {
  readonly file: string;
  readonly args?: readonly string[];
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each line of standard output, without its line feed. */
  readonly onLine: (line: string) => void;
  /** Called for each line of standard error; {@link LineProcess.stderrTail} keeps the last ones in any case. */
  readonly onErrorLine?: (line: string) => void;
}

/** How a child ended: one of the two is set. */
export interface ProcessEnd {
  readonly exitCode: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
}

/** A long-lived child that is spoken to in lines. */
export interface LineProcess {
  readonly pid: number;
  /** Settles when the child has ended and all its output was delivered; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /**
   * Writes the text and a line feed; resolves when the kernel has taken it.
   *
   * @throws {SluiceError} `command-failed` when the child no longer reads.
   */
  writeLine(text: string): Promise<void>;
  /** The last lines of standard error, at most 50. */
  stderrTail(): string;
  /**
   * Closes standard input, which ends a well-behaved child; after `graceMs` (default 500) without an end sends SIGTERM,
   * and after as long again SIGKILL. Idempotent; resolves when the child is gone.
   */
  stop(graceMs?: number): Promise<ProcessEnd>;
}

const STDERR_TAIL_LINES = 50;

const DEFAULT_GRACE_MS = 500;

/**
 * Starts a long-lived child in a session of its own, so that a Ctrl-C at the terminal reaches only us and we decide
 * when the child ends. Should we be killed, the child reads the end of its standard input.
 *
 * @throws {SluiceError} `command-missing` when there is no such program, `command-failed` when it cannot be started.
 */
export async function startLineProcess(options: LineProcessOptions): Promise<LineProcess> {
  const { file, args = [], env = {} } = options;
  const child = spawn(file, args, { stdio: 'pipe', detached: true, env: { ...process.env, LC_ALL: 'C', ...env } });
  // Without file descriptors left there are no streams to listen to.
  await untilSpawned(child, file);
  const tail: string[] = [];
  createInterface({ input: child.stdout }).on('line', options.onLine);
  createInterface({ input: child.stderr }).on('line', (line) => {
    tail.push(line);
    if (tail.length > STDERR_TAIL_LINES) tail.shift();
    options.onErrorLine?.(line);
  });
  // A broken pipe is reported by the write that meets it and by `ended`.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<ProcessEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    stderrTail: () => tail.join('\n'),
    writeLine: (text) => writeLine(child, file, text),
    stop: (graceMs = DEFAULT_GRACE_MS) => stop(child, ended, graceMs),
  };
}

function untilSpawned(child: ChildProcessWithoutNullStreams, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(startFailure(file, cause)));
  });
}

function startFailure(file: string, cause: Error): SluiceError {
  if ('code' in cause && cause.code === 'ENOENT') {
    const message = `the program ${file} is not installed or not in PATH`;
    return new SluiceError({ code: 'command-missing', message, cause, data: { file } });
  }
  return new SluiceError({
    code: 'command-failed',
    message: `cannot start ${file}: ${cause.message}`,
    cause,
    data: { file },
  });
}

function writeLine(child: ChildProcessWithoutNullStreams, file: string, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdin.write(`${text}\n`, (cause) => {
      if (cause === null || cause === undefined) resolve();
      else
        reject(
          new SluiceError({
            code: 'command-failed',
            message: `${file} no longer reads its input`,
            cause,
            data: { file },
          }),
        );
    });
  });
}

async function stop(
  child: ChildProcessWithoutNullStreams,
  ended: Promise<ProcessEnd>,
  graceMs: number,
): Promise<ProcessEnd> {
  child.stdin.end();
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), graceMs),
    setTimeout(() => {
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open; what it writes is of no interest any more.
      child.stdout.destroy();
      child.stderr.destroy();
    }, 2 * graceMs),
  ];
  try {
    return await ended;
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
}

const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** Signals that a terminal sends to the whole foreground process group, so the child has them already. */
const TERMINAL_SIGNALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT']);

/**
 * Runs a program in this one's place: same standard streams, signals passed on, its exit code as the result
 * (128 + n when signal n ended it, as shells have it).
 *
 * @throws {SluiceError} `command-missing` or `command-failed` when it cannot be started.
 */
export async function runInForeground(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const child = spawn(file, args, { stdio: 'inherit', env: { ...process.env, ...env } });
  const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const forward = (signal: NodeJS.Signals): void => {
    if (atTerminal && TERMINAL_SIGNALS.has(signal)) return;
    child.kill(signal);
  };
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (cause) => reject(startFailure(file, cause)));
      child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  } finally {
    for (const signal of FORWARDED_SIGNALS) process.off(signal, forward);
  }
}
