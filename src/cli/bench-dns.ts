import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchCommand } from '../base/launch.ts';
import type { ContenderSpec } from '../bench/dns/contender.ts';
import type { DnsBenchOptions } from '../bench/dns/dns.ts';
import { runDns } from '../bench/dns/run.ts';
import { parseWhole } from '../bench/units.ts';
import { benchTool } from './bench-tool.ts';
import type { ToolValues } from './command.ts';

/** The responder alone, or beside another server. */
export const benchDnsCommand = benchTool({
  name: 'dns',
  summary: 'how many DNS queries are answered, and how soon changes are',
  options: [
    {
      flag: 'peer',
      valueName: 'command',
      repeatable: true,
      description:
        'another DNS server, as NAME=COMMAND or COMMAND: {corefile} stands for a Corefile, {corefile:uncached} for one without a cache for the cluster, {api}, {port} and {upstream} for what they would say, as in "coredns -conf {corefile}"',
    },
    { flag: 'services', valueName: 'number', default: '10000', description: 'size of the cluster' },
    { flag: 'seconds', valueName: 'number', default: '10', description: 'of each measurement' },
    { flag: 'churn', valueName: 'seconds', default: '60', description: 'how long 100 endpoints a second change' },
  ],
  check: (values) => void parse(values),
  measure: (values, { seed, progress, command }) => runDns({ ...parse(values), seed, progress }, command),
});

function parse(values: ToolValues): Omit<DnsBenchOptions, 'seed' | 'progress'> {
  const here = fileURLToPath(import.meta.url);
  const program = here.endsWith('.ts') ? fileURLToPath(new URL('./main.ts', import.meta.url)) : here;
  const own: ContenderSpec = {
    name: 'sluice',
    command: `${launchCommand(program)} dns --master {api} --listen 127.0.0.1:{port} --upstream {upstream} --log-level error`,
  };
  const peers = values.list('peer').map((text) => {
    const [, given, command = text] = /^([\w.-]+)=(.*)$/s.exec(text) ?? [];
    return { name: given ?? basename(command.split(' ')[0] ?? ''), command };
  });
  return {
    contenders: [own, ...peers],
    services: parseWhole(values.required('services'), 'services', 1),
    durationS: parseWhole(values.required('seconds'), 'seconds', 1),
    churnS: parseWhole(values.required('churn'), 'churn', 0),
  };
}
