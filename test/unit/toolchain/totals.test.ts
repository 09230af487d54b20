import { expect, test } from 'vitest';
import { addTotals, countReport, formatTotals } from '../../../.ci/totals.ts';

interface FileResult {
  readonly status: string;
  readonly tests: readonly string[];
}

/** A report of vitest's json reporter, as far as it is counted. */
function report(files: readonly FileResult[]): string {
  const all = files.flatMap((file) => file.tests);
  const count = (status: string) => all.filter((each) => each === status).length;
  return JSON.stringify({
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((name) => ({ status: name })),
    })),
  });
}

test.for([
  ['no file', [], { passed: 0, failed: 0, skipped: 0 }],
  [
    'all kinds',
    [{ status: 'failed', tests: ['passed', 'failed', 'pending', 'todo'] }],
    { passed: 1, failed: 1, skipped: 2 },
  ],
  ['a file that does not load', [{ status: 'failed', tests: [] }], { passed: 0, failed: 1, skipped: 0 }],
  ['a hook that throws', [{ status: 'failed', tests: ['pending', 'pending'] }], { passed: 0, failed: 1, skipped: 2 }],
  [
    'several files',
    [
      { status: 'passed', tests: ['passed', 'passed'] },
      { status: 'passed', tests: ['passed', 'pending'] },
    ],
    { passed: 3, failed: 0, skipped: 1 },
  ],
] as const)('counts a report with %s', ([, files, totals]) => {
  expect(countReport(report(files))).toEqual(totals);
});

test('refuses half a report', () => {
  expect(() => countReport(report([]).slice(0, -5))).toThrow(SyntaxError);
});

test('sums stages and spells the closing line', () => {
  const sum = addTotals({ passed: 2, failed: 1, skipped: 0 }, { passed: 10, failed: 0, skipped: 3 });
  expect(formatTotals(sum)).toBe('12 passed, 1 failed, 3 skipped');
});
