import { vi } from 'vitest';

// Of every file here that does not take it back: most of what a test in user-mode Linux costs is starting programs.
vi.mock(import('../../src/kernel/command.ts'), async (original) => {
  const { ShellRunner } = await import('./shell-runner.ts');
  return { ...(await original()), systemRunner: await ShellRunner.start() };
});
