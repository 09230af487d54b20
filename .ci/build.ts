// Bundles the program to one executable file: `npm run build [-- path of the result]`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import type { BuildOptions, Plugin } from 'esbuild';
import { build } from 'esbuild';
import { NODE_ENVIRONMENT, NODE_FLAGS } from '../src/base/launch.ts';

const root = dirname(import.meta.dirname);
const outfile = resolve(root, process.argv[2] ?? 'dist/sluice.mjs');

const CLIENT = '@kubernetes/client-node';

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node24',
  // The engine keeps the text of the program for as long as it runs.
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * Node's own modules by require(): an import reads every name that a module has, and some are loaded only when they are read. For
 * `node:http` that is a second HTTP client, 6 MB of memory and 8 MB of Node's file.
 */
const requireBuiltins: Plugin = {
  name: 'require-builtins',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'require-call' ? { path, external: true } : { path, namespace: 'builtin' },
    );
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Of the client library we use one class of a thousand; its package does not say that the others may be left out. They would
 * be three quarters of what is left of it.
 */
const leaveOutUnused: Plugin = {
  name: 'leave-out-unused',
  setup(bundler) {
    bundler.onResolve({ filter: /^\.|client-node$/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      const inside = path === CLIENT || importer.includes(`/${CLIENT}/`);
      if (!inside || pluginData === CLIENT) return undefined;
      const found = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: CLIENT });
      return { ...found, sideEffects: false };
    });
  },
};

/** The client library is half of the program and rarely needed, see source/kube-client.ts; so it is packed. */
const packClient: Plugin = {
  name: 'pack-client',
  setup(bundler) {
    bundler.onResolve({ filter: /client-node$/ }, ({ path }) => ({ path, namespace: 'packed' }));
    bundler.onLoad({ filter: /.*/, namespace: 'packed' }, async () => {
      const { outputFiles } = await build({
        ...COMMON,
        stdin: { contents: `export { KubeConfig } from '${CLIENT}';`, resolveDir: root },
        write: false,
        format: 'cjs',
        plugins: [leaveOutUnused],
      });
      const packed = deflateRawSync(outputFiles[0]?.contents ?? '').toString('base64');
      return {
        resolveDir: root,
        contents: `
          const { inflateRawSync } = require('node:zlib');
          const { compileFunction, constants } = require('node:vm');
          const text = inflateRawSync(Buffer.from('${packed}', 'base64')).toString();
          compileFunction(text, ['require', 'module', 'exports'], {
            filename: '${CLIENT}',
            importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
          })(require, module, exports);`,
      };
    });
  },
};

// The program of the DNS threads is text inside the bundle: a file of its own would have to be found at run time.
const worker = await build({ ...COMMON, entryPoints: ['src/dns/worker-main.ts'], write: false, format: 'cjs' });

const program = await build({
  ...COMMON,
  write: false,
  define: { DNS_WORKER_PROGRAM: JSON.stringify(worker.outputFiles[0]?.text) },
  entryPoints: ['src/cli/main.ts'],
  format: 'esm',
  // Packages written in CommonJS call require() for Node's own modules, which an ES module does not have.
  banner: {
    js: [
      ['#!/usr/bin/env -S', ...NODE_ENVIRONMENT, 'node', ...NODE_FLAGS].join(' '),
      "import { createRequire as createRequireOfBundle } from 'node:module';",
      'const require = createRequireOfBundle(import.meta.url);',
    ].join('\n'),
  },
  plugins: [requireBuiltins, packClient],
});
// One character beyond Latin 1, and the engine keeps the whole text with two bytes for each. Regular expressions are where
// esbuild leaves them.
const text = program.outputFiles[0]?.text ?? '';
const ascii = text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
mkdirSync(dirname(outfile), { recursive: true });
writeFileSync(outfile, ascii, { mode: 0o755 });
