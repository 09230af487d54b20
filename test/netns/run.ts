/**
 * Runs the tests of this folder inside private network namespaces: `node test/netns/run.ts [vitest arguments]`.
 * Where the machine does not allow these, says so and succeeds.
 */
import { fileURLToPath } from 'node:url';
import { enterPrivateNamespace, probePrivateNamespace } from '../../src/lab/private-namespace.ts';

const probe = await probePrivateNamespace();
if (probe.available) {
  const vitest = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')));
  const config = fileURLToPath(new URL('../../vitest.netns.config.ts', import.meta.url));
  process.exitCode = await enterPrivateNamespace({
    argv: [process.execPath, vitest, 'run', '--config', config, ...process.argv.slice(2)],
  });
} else {
  process.stdout.write(`SKIPPED test/netns: ${probe.reason}\n`);
}
