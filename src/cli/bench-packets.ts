import { runPackets } from '../bench/packets/run.ts';
import type { Contender } from '../bench/sync/contenders.ts';
import { CONTENDERS, contenderNamed } from '../bench/sync/contenders.ts';
import { parseCounts, parseWhole } from '../bench/units.ts';
import { benchTool } from './bench-tool.ts';
import type { ToolValues } from './command.ts';

/** Per run and size: so many batches to each target, of so many connections. */
const EFFORT = { rounds: 50, batch: 100 };

/** Do packets pay for a large cluster? */
export const benchPacketsCommand = benchTool({
  name: 'packets',
  summary: 'how long connections through Services take, as Services grow',
  options: [
    {
      flag: 'backend',
      valueName: 'names',
      description: `separated by commas, out of ${CONTENDERS.map(({ name }) => name).join(', ')} (default: all that work here)`,
    },
    { flag: 'services', valueName: 'counts', default: '10,100,1k,10k', description: 'sizes of the cluster' },
    { flag: 'runs', valueName: 'number', default: '3', description: 'how often each size is programmed and measured' },
  ],
  check: (values) => void parse(values),
  measure: (values, { seed, progress, command }) =>
    runPackets({ ...parse(values), ...EFFORT, seed, progress }, command),
});

function parse(values: ToolValues): { contenders: readonly Contender[]; services: readonly number[]; runs: number } {
  const names = values.text('backend')?.split(',');
  return {
    contenders: names === undefined ? CONTENDERS : names.map((name) => contenderNamed(name.trim())),
    services: parseCounts(values.required('services'), 'services'),
    runs: parseWhole(values.required('runs'), 'runs', 1),
  };
}
