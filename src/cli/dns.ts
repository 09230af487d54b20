import { createLog } from '../base/log.ts';
import type { CliCommand } from './command.ts';
import { untilSignal } from './until-signal.ts';

/** `sluice dns`: the cluster's DNS by itself, from manifests or an API server, until SIGINT or SIGTERM. */
export const dnsCommand: CliCommand = {
  name: 'dns',
  summary: 'answer DNS queries for the names of a cluster',
  async run(config, { stdin, err: write, errColour: colour }) {
    const log = createLog({ level: config.logLevel, format: config.logFormat, write, colour });
    const { serveDns } = await import('../app/dns.ts');
    await untilSignal({
      log,
      unfinished: 'what was under way did not end in time and is left alone',
      run: (stop) => serveDns({ config, log, stdin, stop }),
    });
    return 0;
  },
};
