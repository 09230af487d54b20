/**
 * Runs the tests of this folder: `node test/vm/run.ts [vitest arguments]`. They boot a virtual machine with Debian's kernel,
 * which has IPVS and nf_tables side by side. Where no such machine can be had, says why and succeeds.
 */
import { fileURLToPath } from 'node:url';
import { runInForeground } from '../../src/kernel/process.ts';
import { missingParts } from './machine.ts';

const missing = await missingParts();
if (missing === undefined) {
  const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
  const config = fileURLToPath(new URL('../../vitest.vm.config.ts', import.meta.url));
  process.exitCode = await runInForeground(process.execPath, [
    vitest,
    'run',
    // Writes nothing into the project.
    '--configLoader=native',
    '--config',
    config,
    ...process.argv.slice(2),
  ]);
} else {
  process.stdout.write(`SKIPPED test/vm: ${missing}\n`);
}
