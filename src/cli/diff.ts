import type { CliCommand } from './command.ts';
import { reportComplaints } from './complaints.ts';

/** Like kubectl diff: 0 when nothing differs, 1 when something does, 2 for errors. */
export const diffCommand: CliCommand = {
  name: 'diff',
  summary: 'show what manifests would change, without changing anything',
  async run(config, io) {
    const { compareRules } = await import('../app/dry-run.ts');
    const { diffReport } = await import('./diff-report.ts');
    const { diffText } = await import('./diff-text.ts');
    const comparison = await compareRules(config, io.stdin);
    reportComplaints(comparison, config.strict, io);
    const report = diffReport({ ...comparison, withRules: config.rules });
    io.out(config.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : diffText(report, io.colour));
    return report.different ? 1 : 0;
  },
};
