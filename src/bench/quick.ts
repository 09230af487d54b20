import { cpus } from 'node:os';
import { BACKENDS } from '../backend/registry.ts';
import { systemRunner } from '../kernel/command.ts';
import { enterPrivateNamespace, isInsidePrivateNamespace, probePrivateNamespace } from '../lab/private-namespace.ts';
import { median, percentile, spellMs } from './statistics.ts';
import type { Contender } from './sync.ts';
import { benchSync } from './sync.ts';

/** What `npm run bench:quick` measures: the sizes of the targets in the README. */
const SIZE = { services: 10_000, endpointsPerService: 4, coldRuns: 5, changes: 20 };

const SETTINGS = { masqueradeBit: 14, conntrackBeLiberal: false };

function contenders(): readonly Contender[] {
  return BACKENDS.flatMap((backend): Contender[] =>
    backend.name === 'iptables'
      ? (['nf_tables', 'legacy'] as const).map((iptablesVariant) => ({
          name: `iptables ${iptablesVariant}`,
          backend,
          settings: { ...SETTINGS, iptablesVariant },
        }))
      : [{ name: backend.name, backend, settings: SETTINGS }],
  );
}

async function main(): Promise<number> {
  if (!isInsidePrivateNamespace()) {
    const probe = await probePrivateNamespace({ keepUser: true });
    if (probe.available) return enterPrivateNamespace({ keepUser: true });
    console.error(`cannot make a private network namespace: ${probe.reason}`);
    return 2;
  }
  console.log(
    `${SIZE.services} Services × ${SIZE.endpointsPerService} endpoints, IPv4; medians; ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, Node ${process.version}\n`,
  );
  const columns = ['', 'first load', 'one change', 'p99', 'of it sluice', 'restart'];
  console.log(row(columns));
  for (const contender of contenders()) {
    const samples = await benchSync({ ...SIZE, contender, runner: systemRunner });
    console.log(
      row([
        contender.name,
        spellMs(median(samples.cold)),
        spellMs(median(samples.change)),
        spellMs(percentile(samples.change, 0.99)),
        spellMs(median(samples.changeOwn)),
        spellMs(median(samples.restart)),
      ]),
    );
  }
  return 0;
}

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(20) : cell.padStart(14))).join('');
}

process.exitCode = await main();
