import { spawnSync } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import { NAMESPACE_OF_ITS_OWN, sluice, SluiceCommand } from '../support/program-command.ts';

interface DnsJson {
  readonly details: readonly {
    readonly contender: string;
    readonly cluster: { readonly perSecond: number; readonly lost: number };
    readonly cached: { readonly perSecond: number };
    readonly p99Ms: number;
    readonly changeMs: number;
    readonly loaded: { readonly residentBytes: number; readonly privateBytes: number };
    readonly churned: { readonly residentBytes: number; readonly privateBytes: number };
  }[];
}

const PATIENCE_MS = 120_000;

const HAS_DNSPERF = spawnSync('dnsperf', ['-h']).error === undefined;

afterEach(() => SluiceCommand.killAll());

test.runIf(HAS_DNSPERF)('queries are asked and changes are seen', { timeout: PATIENCE_MS }, async () => {
  const command = new SluiceCommand(['bench', 'dns', '--services', '50', '--seconds', '1', '--churn', '1', '--json'], {
    env: NAMESPACE_OF_ITS_OWN,
  });
  const { exitCode, stdout, stderr } = await command.ended;
  expect(stderr).toContain('loading 50 Services');
  expect(exitCode).toBe(0);
  const [outcome] = (JSON.parse(stdout) as DnsJson).details;
  expect(outcome?.contender).toBe('sluice');
  expect(outcome?.cluster.perSecond).toBeGreaterThan(0);
  expect(outcome?.cached.perSecond).toBeGreaterThan(0);
  expect(outcome?.p99Ms).toBeGreaterThan(0);
  expect(outcome?.changeMs).toBeGreaterThan(0);
  for (const memory of [outcome?.loaded, outcome?.churned]) {
    expect(memory?.privateBytes).toBeGreaterThan(1e6);
    expect(memory?.residentBytes).toBeGreaterThan(memory?.privateBytes ?? 0);
  }
});

test('a size that is none is refused before anything starts', async () => {
  const { exitCode, stderr } = await sluice(['bench', 'dns', '--services', 'many'], { env: NAMESPACE_OF_ITS_OWN });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--services');
});
