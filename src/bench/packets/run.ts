import { systemRunner } from '../../kernel/command.ts';
import { describeMachine } from '../machine.ts';
import type { PacketsOptions } from './packets.ts';
import { benchPackets } from './packets.ts';
import type { PacketsReport } from './report.ts';
import { packetsReport } from './report.ts';

/** Measures and reports; `command` is the command line that does it again. */
export async function runPackets(options: PacketsOptions, command: string): Promise<PacketsReport> {
  const startedAt = new Date();
  const machine = await describeMachine(systemRunner);
  const result = await benchPackets(options);
  const durationMs = Date.now() - startedAt.getTime();
  const { seed, runs, rounds, batch } = options;
  return packetsReport(result, {
    command,
    seed,
    startedAt: startedAt.toISOString(),
    durationMs,
    machine,
    runs,
    rounds,
    batch,
  });
}
