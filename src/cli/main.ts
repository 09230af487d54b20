import { toSluiceError } from '../base/errors.ts';
import { benchGroup } from './bench.ts';
import type { CliCommand, CliIo } from './command.ts';
import { diffCommand } from './diff.ts';
import { dnsCommand } from './dns.ts';
import { dnsQueryCommand } from './dns-query.ts';
import type { HiddenPart } from '../lab/self.ts';
import { cleanupCommand } from './cleanup.ts';
import { demoCommand } from './demo.ts';
import { runProgram } from './program.ts';
import { renderCommand } from './render.ts';
import { runCommand } from './run.ts';

const COMMANDS: readonly CliCommand[] = [
  runCommand,
  diffCommand,
  renderCommand,
  cleanupCommand,
  demoCommand,
  dnsCommand,
  dnsQueryCommand,
];

/** How the bundle starts itself for its own purposes; not for people, so no commands of the command line. */
const HIDDEN_PARTS: Readonly<Record<HiddenPart, (args: readonly string[]) => Promise<number>>> = {
  'lab-agent': async () => {
    const { runAgent } = await import('../lab/agent.ts');
    await runAgent(process.stdin, process.stdout);
    return 0;
  },
  'bench-api': async () => {
    const { runApiServer } = await import('../bench/compare/api-server.ts');
    await runApiServer(process.stdin, process.stdout);
    return 0;
  },
  'bench-case': async ([spec = '']) => {
    const { runCaseProcess } = await import('../bench/sync/case-process.ts');
    return runCaseProcess(spec, process.stdin, process.stdout);
  },
};

/** For everything that is not a result; `diff` has 1 for "differs", as kubectl diff and diff have. */
const EXIT_ERROR = 2;

/** What a shell reports of a program that a closed pipe ends (128 + SIGPIPE). */
const EXIT_CLOSED_PIPE = 141;

async function main(): Promise<number> {
  const { env, stdout, stderr, stdin } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT_CLOSED_PIPE); // `sluice render | head`: nobody listens any more.
  });
  // A full disk, or a reader that has gone, is no reason to leave a node alone.
  stderr.on('error', () => undefined);
  const io: CliIo = {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    stdin,
    env,
    colour: mayColour(stdout),
    errColour: mayColour(stderr),
    errLive: stderr.isTTY && env['TERM'] !== 'dumb',
  };
  try {
    const [, , part = '', ...rest] = process.argv;
    if (Object.hasOwn(HIDDEN_PARTS, part)) return await HIDDEN_PARTS[part as HiddenPart](rest);
    return await runProgram(process.argv.slice(2), { commands: COMMANDS, groups: [benchGroup] }, io);
  } catch (thrown) {
    const error = toSluiceError(thrown);
    io.err(`error: ${error.message} (${error.code})\n${error.hint === undefined ? '' : `  hint: ${error.hint}\n`}`);
    if (error.code === 'internal' && error.cause instanceof Error) io.err(`${error.cause.stack ?? ''}\n`);
    return EXIT_ERROR;
  }
}

function mayColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}

process.exitCode = await main();
