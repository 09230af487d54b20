import { createLog } from '../base/log.ts';
import type { CliCommand } from './command.ts';
import { untilSignal } from './until-signal.ts';

/**
 * Programs this node: from an API server, or from manifests (once, or with `--watch` for as long as they change). SIGINT and
 * SIGTERM leave the rules in place.
 */
export const runCommand: CliCommand = {
  name: 'run',
  summary: 'program this node',
  async run(config, { stdin, err: write, errColour: colour }) {
    const log = createLog({ level: config.logLevel, format: config.logFormat, write, colour });
    if (config.initOnly) {
      const { initialize } = await import('../app/host-settings.ts');
      await initialize(config, log);
    } else if (config.manifests.length > 0 && !config.watch) {
      const { runOnce } = await import('../app/run.ts');
      await runOnce({ config, log, stdin });
    } else {
      const { runAgent } = await import('../app/agent.ts');
      await untilSignal({
        log,
        unfinished: 'a sync did not end in time and is left alone; what it wrote last is in force or not, as a whole',
        run: (stop) => runAgent({ config, log, stdin, stop }),
      });
    }
    return 0;
  },
};
