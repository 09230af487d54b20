import { systemRunner } from '../../kernel/command.ts';
import { describeMachine } from '../machine.ts';
import type { DnsBenchOptions } from './dns.ts';
import { benchDns } from './dns.ts';
import type { DnsReport } from './report.ts';
import { dnsReport } from './report.ts';

/** Measures and reports; `command` is the command line that does it again. */
export async function runDns(options: DnsBenchOptions, command: string): Promise<DnsReport> {
  const startedAt = new Date();
  const machine = await describeMachine(systemRunner);
  const outcomes = await benchDns(options);
  const durationMs = Date.now() - startedAt.getTime();
  const { seed, services, durationS, churnS } = options;
  return dnsReport(outcomes, {
    command,
    seed,
    startedAt: startedAt.toISOString(),
    durationMs,
    machine,
    services,
    durationS,
    churnS,
  });
}
