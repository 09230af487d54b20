import { initialize } from '../app/host-settings.ts';
import { runAgent } from '../app/agent.ts';
import { runOnce } from '../app/run.ts';
import type { AdjustableLog } from '../base/log.ts';
import { createLog } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import type { CliCommand, CliIo } from './command.ts';

/** A sync under way may be waiting for a lock or for a tool that hangs; whoever stops us waits 5 s at least. */
const STOP_LIMIT_MS = 4000;

const EXIT_UNFINISHED = 2;

/**
 * Programs this node: from an API server, or from manifests (once, or with `--watch` for as long as they change). SIGINT and
 * SIGTERM leave the rules in place.
 */
export const runCommand: CliCommand = {
  name: 'run',
  summary: 'program this node',
  async run(config, io) {
    const log = createLog({ level: config.logLevel, format: config.logFormat, write: io.err, colour: io.errColour });
    if (config.initOnly) await initialize(config, log);
    else if (config.manifests.length > 0 && !config.watch) await runOnce({ config, log, stdin: io.stdin });
    else await untilSignal(config, io, log);
    return 0;
  },
};

async function untilSignal(config: Config, io: CliIo, log: AdjustableLog): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    setTimeout(() => {
      log.error('a sync did not end in time and is left alone; what it wrote last is in force or not, as a whole');
      process.exit(EXIT_UNFINISHED);
    }, STOP_LIMIT_MS).unref();
  };
  // Not `once`: execa ends the process when its own listener is the only one left while a child is running. A run
  // that ends by itself is ended by the signal itself.
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  try {
    await runAgent({ config, log, stdin: io.stdin, stop: stop.signal });
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
  }
}
