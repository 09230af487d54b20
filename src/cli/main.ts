import { toSluiceError } from '../base/errors.ts';
import type { CliCommand, CliIo } from './command.ts';
import { diffCommand } from './diff.ts';
import { runAgent } from '../lab/agent.ts';
import { cleanupCommand } from './cleanup.ts';
import { demoCommand } from './demo.ts';
import { runProgram } from './program.ts';
import { renderCommand } from './render.ts';
import { runCommand } from './run.ts';

const COMMANDS: readonly CliCommand[] = [runCommand, diffCommand, renderCommand, cleanupCommand, demoCommand];

/** How the bundle starts itself inside the lab's namespaces; not for people, so no command of the command line. */
const LAB_AGENT = 'lab-agent';

/** For everything that is not a result; `diff` has 1 for "differs", as kubectl diff and diff have. */
const EXIT_ERROR = 2;

/** What a shell reports of a program that a closed pipe ends (128 + SIGPIPE). */
const EXIT_CLOSED_PIPE = 141;

async function main(): Promise<number> {
  const { env, stdout, stderr, stdin } = process;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(EXIT_CLOSED_PIPE); // `sluice render | head`: nobody listens any more.
    });
  }
  const io: CliIo = {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    stdin,
    env,
    colour: mayColour(stdout),
    errColour: mayColour(stderr),
  };
  try {
    if (process.argv[2] === LAB_AGENT) {
      await runAgent(stdin, stdout);
      return 0;
    }
    return await runProgram(process.argv.slice(2), COMMANDS, io);
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
