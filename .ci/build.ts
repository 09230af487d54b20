// Bundles the program to one executable file: `npm run build [-- path of the result]`.
import { chmodSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import { build } from 'esbuild';

const root = dirname(import.meta.dirname);
const outfile = resolve(root, process.argv[2] ?? 'dist/sluice.mjs');

const CLIENT = '@kubernetes/client-node';

/**
 * Of the client library we use one class of a thousand; its package does not say that the others may be left out. They would
 * be nine tenths of the bundle, and of its memory.
 */
const leaveOutUnusedClient: Plugin = {
  name: 'leave-out-unused-client',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.|client-node$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      const inside = path === CLIENT || importer.includes(`/${CLIENT}/`);
      if (!inside || pluginData === CLIENT) return undefined;
      const found = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: CLIENT });
      return { ...found, sideEffects: false };
    });
  },
};

// The program of the DNS threads is text inside the bundle: a file of its own would have to be found at run time.
const worker = await build({
  absWorkingDir: root,
  entryPoints: ['src/dns/worker-main.ts'],
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minifyWhitespace: true,
  logLevel: 'warning',
});

await build({
  absWorkingDir: root,
  define: { DNS_WORKER_PROGRAM: JSON.stringify(worker.outputFiles[0]?.text) },
  entryPoints: ['src/cli/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Packages written in CommonJS call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: [
      // A small nursery: with Node's own limit the heap of a node agent is a third larger, and no faster.
      '#!/usr/bin/env -S node --max-semi-space-size=2',
      "import { createRequire as createRequireOfBundle } from 'node:module';",
      'const require = createRequireOfBundle(import.meta.url);',
    ].join('\n'),
  },
  plugins: [leaveOutUnusedClient],
  // The engine keeps the text of the program for as long as it runs.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
});
chmodSync(outfile, 0o755);
