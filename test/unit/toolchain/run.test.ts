import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-run-'));
  for (const name of ['bin', '.ci']) mkdirSync(join(folder, name));
  cpSync(join(import.meta.dirname, '../../../.ci/run'), join(folder, '.ci/run'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs .ci/run with an npm whose `run check` and `test` are these shell commands. */
function ci(check: string, tests: string): { readonly status: number | null; readonly lastLine: string | undefined } {
  const npm = `#!/bin/bash\n[[ $CI == true ]] || exit 99\ncase "$*" in 'run check') ${check};; test) ${tests};; esac\n`;
  writeFileSync(join(folder, 'bin/npm'), npm, { mode: 0o755 });
  const { status, stdout } = spawnSync('bash', ['.ci/run'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` },
  });
  return { status, lastLine: stdout.trimEnd().split('\n').at(-1) };
}

const writeTotals = (totals: string) => `echo '${totals}' > "$SLUICE_TEST_TOTALS"; echo noise`;

test.for([
  ['passes', 'true', writeTotals('5 passed, 0 failed, 1 skipped'), 0, '5 passed, 0 failed, 1 skipped'],
  [
    'reports failed tests',
    'true',
    `${writeTotals('4 passed, 1 failed, 0 skipped')}; exit 1`,
    1,
    '4 passed, 1 failed, 0 skipped',
  ],
  [
    'fails with a check, tests run all the same',
    'exit 1',
    writeTotals('5 passed, 0 failed, 0 skipped'),
    1,
    '5 passed, 0 failed, 0 skipped',
  ],
  ['fails when the tests do not start', 'true', 'exit 1', 1, '0 passed, 1 failed, 0 skipped'],
  ['fails when the tests vanish', 'true', 'exit 0', 1, '0 passed, 1 failed, 0 skipped'],
] as const)('%s', ([, check, tests, status, lastLine]) => {
  expect(ci(check, tests)).toEqual({ status, lastLine });
});
