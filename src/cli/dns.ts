import { serveDns } from '../app/dns.ts';
import { createLog } from '../base/log.ts';
import type { CliCommand } from './command.ts';

/** `sluice dns`: the cluster's DNS by itself, from manifests or an API server, until SIGINT or SIGTERM. */
export const dnsCommand: CliCommand = {
  name: 'dns',
  summary: 'answer DNS queries for the names of a cluster',
  async run(config, io) {
    const log = createLog({ level: config.logLevel, format: config.logFormat, write: io.err, colour: io.errColour });
    const stop = new AbortController();
    const onSignal = (): void => stop.abort();
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    try {
      await serveDns({ config, log, stdin: io.stdin, stop: stop.signal });
    } finally {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    }
    return 0;
  },
};
