import type { CliCommand } from './command.ts';

/** Prints what it removed, one line each. */
export const cleanupCommand: CliCommand = {
  name: 'cleanup',
  summary: 'remove all Service rules of sluice and kube-proxy from this node',
  async run(config, io) {
    const { cleanup } = await import('../app/cleanup.ts');
    const { removed, skipped } = await cleanup(config);
    for (const line of skipped) io.err(`skipped ${line}\n`);
    for (const line of removed) io.out(`removed ${line}\n`);
    if (removed.length === 0) io.out('there was nothing to remove\n');
    return 0;
  },
};
