import { defineConfig } from 'vitest/config';

/** Started by test/vm/run.ts. An emulated processor is slow, and slower still beside a second one. */
export default defineConfig({
  test: {
    name: 'vm',
    include: ['test/vm/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    // Twenty times what it takes, for machines that have other things to do.
    hookTimeout: 900_000,
    teardownTimeout: 10_000,
  },
});
