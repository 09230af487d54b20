import { defineConfig } from 'vitest/config';

// The tests that need nothing but Node. Those that need a kernel to themselves have launchers and configurations of
// their own (test/*/run.ts); `npm test` runs all.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/netns/**', 'test/uml/**', 'test/vm/**'],
    testTimeout: 20_000,
    coverage: {
      provider: 'v8',
      reporter: [['text', { skipFull: true }], 'html'],
      include: ['src/model/**/*.ts', 'src/compiler/**/*.ts', 'src/backend/**/*.ts'],
      // These two files of a backend talk to the kernel, and the tests with a kernel run in processes that are not counted.
      exclude: ['src/backend/*/driver.ts', 'src/backend/*/backend.ts'],
      thresholds: { lines: 95, functions: 95, statements: 95, branches: 90 },
    },
  },
});
