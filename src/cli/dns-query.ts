import type { CliCommand } from './command.ts';
import { reportComplaints } from './complaints.ts';

/** `sluice dns query NAME [TYPE]`: what the cluster's DNS would say, and why; nothing is sent. */
export const dnsQueryCommand: CliCommand = {
  name: 'dns query',
  summary: 'show what manifests would make of a DNS query, and why',
  operands: ['<name>', '[type]'],
  async run(config, io, [name = '', type]) {
    const { queryManifests } = await import('../app/dns-query.ts');
    const { lines, problems } = await queryManifests({ config, stdin: io.stdin, name, type });
    reportComplaints({ badObjects: problems, warnings: [] }, false, io);
    io.out(`${lines.join('\n')}\n`);
    return 0;
  },
};
