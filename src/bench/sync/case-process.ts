import { toSluiceError } from '../../base/errors.ts';
import type { CaseMessage, CaseSpec } from './case.ts';
import { runCase } from './run-case.ts';

/** The whole of a child process: measures the case that its argument describes, and says on standard output what it does and found. */
export async function runCaseProcess(spec: string, write: (text: string) => void): Promise<number> {
  const say = (message: CaseMessage): void => write(`${JSON.stringify(message)}\n`);
  try {
    const result = await runCase(JSON.parse(spec) as CaseSpec, (scenario) => say({ kind: 'scenario', scenario }));
    say({ kind: 'result', result });
    return 0;
  } catch (thrown) {
    const { message, hint } = toSluiceError(thrown);
    say({ kind: 'failure', message: hint === undefined ? message : `${message} (${hint})` });
    return 1;
  }
}
