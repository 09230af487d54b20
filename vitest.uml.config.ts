import { defineConfig } from 'vitest/config';

/** Started by test/uml/run.ts inside a virtual machine, whose disk is read-only but for /tmp. */
export default defineConfig({
  cacheDir: '/tmp/vite',
  test: {
    name: 'uml',
    include: ['test/uml/**/*.test.ts'],
    setupFiles: ['test/uml/small-forks.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 10_000,
  },
});
