import type { CliCommand } from './command.ts';
import { reportComplaints } from './complaints.ts';

/** `sluice render`: the exact text that a fresh node is fed, families after one another, each under a comment. */
export const renderCommand: CliCommand = {
  name: 'render',
  summary: 'print the rules that a fresh node would be given',
  async run(config, io) {
    const { renderRules } = await import('../app/dry-run.ts');
    const rendered = await renderRules(config, io.stdin);
    reportComplaints(rendered, config.strict, io);
    for (const { family, text } of rendered.texts) io.out(`# ${family}\n${text}`);
    return 0;
  },
};
