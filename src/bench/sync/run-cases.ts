import { SluiceError } from '../../base/errors.ts';
import { startLineProcess } from '../../kernel/process.ts';
import { commandOf } from '../../lab/self.ts';
import { NODE_FLAGS } from '../../base/launch.ts';
import type { Progress } from '../progress.ts';
import type { Skipped } from '../report/report.ts';
import type { CaseMessage, CaseResult, CaseSpec } from './case.ts';
import { sizeText } from './options.ts';
import { SCENARIOS } from './scenarios.ts';

export interface RunCasesOptions {
  readonly progress: Progress;
  readonly caseTimeoutMs: number;
}

/** Measures the cases one after the other, each in a process of its own. One that fails is left out, with the reason. */
export async function runCases(
  cases: readonly CaseSpec[],
  options: RunCasesOptions,
): Promise<{ results: readonly CaseResult[]; skipped: readonly Skipped[] }> {
  const results: CaseResult[] = [];
  const skipped: Skipped[] = [];
  const total = cases.reduce((sum, { scenarios }) => sum + scenarios.length, 0);
  let done = 0;
  for (const spec of cases) {
    const what = `${spec.contender}, ${sizeText(spec.services, spec.endpoints)}`;
    options.progress.show(done, total, `${what}: first load`);
    let nth = 0;
    const onMessage = (message: CaseMessage): void => {
      if (message.kind !== 'scenario') return;
      options.progress.show(done + nth, total, `${what}: ${SCENARIOS[message.scenario].title}`);
      nth++;
    };
    const outcome = await runInChild(spec, onMessage, options);
    if (typeof outcome === 'string') {
      skipped.push({ what, reason: outcome });
      options.progress.note(`${what}: left out: ${outcome}`);
    } else {
      results.push(outcome);
      for (const { scenario, reason } of outcome.failures) {
        skipped.push({ what: `${what}: ${SCENARIOS[scenario].title}`, reason });
        options.progress.note(`${what}: ${SCENARIOS[scenario].title}: left out: ${reason}`);
      }
    }
    done += spec.scenarios.length;
  }
  options.progress.show(done, total, 'done');
  return { results, skipped };
}

/** @returns the result, or why there is none. */
async function runInChild(
  spec: CaseSpec,
  onMessage: (message: CaseMessage) => void,
  { caseTimeoutMs }: RunCasesOptions,
): Promise<CaseResult | string> {
  let outcome: CaseResult | string | undefined;
  const [node, ...program] = commandOf('bench-case', new URL('./case-main.ts', import.meta.url));
  const child = await startLineProcess({
    file: node,
    // Memory and pauses are to be those of the daemon.
    args: [...NODE_FLAGS, ...program, JSON.stringify(spec)],
    onLine: (line) => {
      const message = JSON.parse(line) as CaseMessage;
      onMessage(message);
      if (message.kind === 'result') outcome = message.result;
      if (message.kind === 'failure') outcome = message.message;
    },
  });
  const timer = setTimeout(() => {
    outcome = `it was not done after ${caseTimeoutMs / 60_000} minutes`;
    void child.stop(0);
  }, caseTimeoutMs);
  const { exitCode, signal } = await child.ended;
  clearTimeout(timer);
  return outcome ?? `its process ended with ${signal ?? `exit code ${exitCode}`}: ${lastLine(child.stderrTail())}`;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** @throws {SluiceError} `bad-config` when nothing is left to measure, with the reasons. */
export function refuseNothing(cases: readonly CaseSpec[], skipped: readonly Skipped[]): void {
  if (cases.length > 0) return;
  const reasons = skipped.map(({ what, reason }) => `${what}: ${reason}`).join('; ');
  throw new SluiceError({ code: 'bad-config', message: `there is nothing to measure: ${reasons}` });
}
