import { defineConfig } from 'vitest/config';

/** Started by test/netns/run.ts inside a private namespace. That is the one node of all files, so they take turns. */
export default defineConfig({
  test: {
    name: 'netns',
    include: ['test/netns/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
  },
});
