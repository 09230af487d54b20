import type { Readable, Writable } from 'node:stream';
import { toSluiceError } from '../../base/errors.ts';
import type { CaseMessage, CaseSpec } from './case.ts';
import { runCase } from './run-case.ts';

/** What a shell reports of a program that somebody interrupted (128 + SIGINT). */
const EXIT_INTERRUPTED = 130;

/**
 * The whole of a child process: measures the case that its argument describes, and says on standard output what it does and
 * found. It ends at once when its standard input does: then nobody waits for the result any more.
 *
 * @returns the exit code.
 */
export async function runCaseProcess(spec: string, input: Readable, output: Writable): Promise<number> {
  input.once('end', () => process.exit(EXIT_INTERRUPTED)).resume();
  const say = (message: CaseMessage): void => void output.write(`${JSON.stringify(message)}\n`);
  try {
    const result = await runCase(JSON.parse(spec) as CaseSpec, (scenario) => say({ kind: 'scenario', scenario }));
    say({ kind: 'result', result });
    return 0;
  } catch (thrown) {
    const { message, hint } = toSluiceError(thrown);
    say({ kind: 'failure', message: hint === undefined ? message : `${message} (${hint})` });
    return 1;
  } finally {
    input.destroy();
  }
}
