import { benchSync } from '../bench/sync/bench-sync.ts';
import { CONTENDERS } from '../bench/sync/contenders.ts';
import type { SyncBenchOptions } from '../bench/sync/options.ts';
import { parseContenders, parseScenarios } from '../bench/sync/options.ts';
import { SCENARIO_IDS } from '../bench/sync/scenarios.ts';
import { parseCounts, parseWhole } from '../bench/units.ts';
import { benchTool } from './bench-tool.ts';
import type { ToolCommand, ToolValues } from './command.ts';

/** `sluice bench sync`: from an event to the kernel's acknowledgement. */
export const benchSyncCommand: ToolCommand = benchTool({
  name: 'sync',
  summary: 'measure how long rules take from an event to the kernel’s acknowledgement',
  options: [
    {
      flag: 'backend',
      valueName: 'names',
      description: `of ${CONTENDERS.map(({ name }) => name).join(', ')} (default: all that this machine has)`,
    },
    { flag: 'services', valueName: 'counts', description: 'numbers of Services, as 1k,5k (default: 1k to 100k)' },
    { flag: 'endpoints', valueName: 'counts', description: 'endpoints of each Service (default: 1,4,10,100)' },
    { flag: 'scenarios', valueName: 'names', description: `of ${SCENARIO_IDS.join(', ')} (default: all)` },
    {
      flag: 'runs',
      valueName: 'number',
      default: '5',
      description: 'loads of each kind; 40 times as many small changes',
    },
    {
      flag: 'budget',
      valueName: 'seconds',
      default: '20',
      description: 'begin no further sample of a kind after this',
    },
    {
      flag: 'case-timeout',
      valueName: 'minutes',
      default: '20',
      description: 'leave a backend and size out after this',
    },
  ],
  check: (values) => void optionsFrom(values, 0),
  measure: (values, { seed, progress, command }) => benchSync(optionsFrom(values, seed), { progress, command }),
});

/** @throws {SluiceError} `bad-config`. */
function optionsFrom(values: ToolValues, seed: number): SyncBenchOptions {
  const counts = (flag: string): readonly number[] | undefined => {
    const text = values.text(flag);
    return text === undefined ? undefined : parseCounts(text, flag);
  };
  return {
    contenders: parseContenders(values.text('backend')),
    services: counts('services'),
    endpoints: counts('endpoints'),
    scenarios: parseScenarios(values.text('scenarios')),
    runs: parseWhole(values.required('runs'), 'runs', 1),
    budgetMs: parseWhole(values.required('budget'), 'budget', 1) * 1000,
    caseTimeoutMs: parseWhole(values.required('case-timeout'), 'case-timeout', 1) * 60_000,
    seed,
  };
}
