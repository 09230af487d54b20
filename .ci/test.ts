// Runs the tests: `npm test [-- files and options of vitest]`. The last line is the sum over all stages.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { filesOf, findStages, type PlannedStage, planStages } from './stages.ts';
import { addTotals, countReport, formatTotals, NO_TESTS, type Totals } from './totals.ts';

const root = dirname(import.meta.dirname);
const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter) };
const inCi = process.env['CI'] === 'true';

interface Outcome {
  readonly ok: boolean;
  readonly totals: Totals;
}

function runStage({ stage, args }: PlannedStage, reportFile: string): Outcome {
  const [program = '', ...first] = stage.command;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  const { status, signal, error } = spawnSync(program, [...first, ...args, ...reporters], {
    cwd: root,
    env,
    stdio: 'inherit',
  });
  const ok = status === 0;
  if (!ok) console.log(`${stage.name}: failed (${error?.message ?? signal ?? `exit code ${status}`})`);
  if (existsSync(reportFile)) return { ok, totals: countReport(readFileSync(reportFile, 'utf8')) };
  if (!ok) return { ok, totals: { ...NO_TESTS, failed: 1 } };
  // The launcher said why. What is in the files is unknown, so a file counts as one test.
  const files = filesOf(stage, root).length;
  console.log(`${stage.name}: not run, ${files} test files skipped`);
  return { ok, totals: { ...NO_TESTS, skipped: files } };
}

const args = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), 'sluice-test-'));
let totals = NO_TESTS;
let ok = true;
try {
  for (const planned of planStages(findStages(root), args)) {
    // Thresholds make sense for a whole run only.
    const coverage = inCi && args.length === 0 && planned.stage.name === 'unit' ? ['--coverage'] : [];
    const withCoverage = { ...planned, args: [...planned.args, ...coverage] };
    const outcome = runStage(withCoverage, join(reports, `${planned.stage.name}.json`));
    totals = addTotals(totals, outcome.totals);
    ok &&= outcome.ok;
  }
} finally {
  rmSync(reports, { recursive: true, force: true });
}

const totalsFile = process.env['SLUICE_TEST_TOTALS'];
if (totalsFile !== undefined) writeFileSync(totalsFile, `${formatTotals(totals)}\n`);
console.log(formatTotals(totals));
process.exitCode = ok ? 0 : 1;
