// Everything that can be said about the sources without running them: `npm run check [-- types lint format unused]`.
// `--fix` repairs what can be repaired by machine instead.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** Name → the command that fails when something is wrong. `lint` includes the folder rules of .ci/lint/folders.ts. */
const CHECKS: Readonly<Record<string, readonly string[]>> = {
  types: ['tsc', '--noEmit'],
  lint: ['oxlint', '.', '.ci'],
  format: ['biome', 'format', '--colors=off'],
  unused: ['knip', '--no-progress'],
};

const REPAIRS: Readonly<Record<string, readonly string[]>> = {
  lint: ['oxlint', '--fix', '.', '.ci'],
  format: ['biome', 'format', '--write', '--colors=off'],
};

interface Finding {
  readonly ok: boolean;
  readonly output: string;
}

const env = { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter) };

function run([program = '', ...args]: readonly string[]): Promise<Finding> {
  return new Promise((resolve) => {
    let output = '';
    const collect = (text: string) => {
      output += text;
    };
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

async function report(name: string, command: readonly string[]): Promise<boolean> {
  const startedMs = performance.now();
  const { ok, output } = await run(command);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(6)} ${seconds} s  (${command.join(' ')})`);
  if (!ok) console.log(output.trimEnd());
  return ok;
}

const args = process.argv.slice(2);
const fix = args.includes('--fix');
const table = fix ? REPAIRS : CHECKS;
const names = args.filter((arg) => arg !== '--fix');
const unknown = names.filter((name) => !(name in table));
if (unknown.length > 0) {
  console.error(`no such check: ${unknown.join(', ')} (there are ${Object.keys(table).join(', ')})`);
  process.exit(2);
}

const chosen = Object.entries(table).filter(([name]) => names.length === 0 || names.includes(name));
const results: boolean[] = [];
// Two repairs must not write the same file at once; checks only read.
if (fix) {
  for (const [name, command] of chosen) results.push(await report(name, command));
} else {
  results.push(...(await Promise.all(chosen.map(([name, command]) => report(name, command)))));
}
process.exitCode = results.every(Boolean) ? 0 : 1;
