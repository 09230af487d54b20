import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { benchSync } from '../../src/bench/sync/bench-sync.ts';
import type { CaseResult } from '../../src/bench/sync/case.ts';
import { backendOf, contenderNamed } from '../../src/bench/sync/contenders.ts';
import type { SyncBenchOptions } from '../../src/bench/sync/options.ts';
import { SCENARIO_IDS } from '../../src/bench/sync/scenarios.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { startLineProcess } from '../../src/kernel/process.ts';

const TINY: Omit<SyncBenchOptions, 'contenders'> = {
  services: [20],
  endpoints: [2],
  scenarios: SCENARIO_IDS,
  runs: 1,
  budgetMs: 1,
  seed: 5,
  caseTimeoutMs: 50_000,
};

/** In a user namespace the kernel takes no message as long as a chain of 5,000 rules. */
const TOO_WIDE = 'iptables-nft';

const BACKENDS = ['nft', 'iptables-nft', 'iptables-legacy'];

async function bench(
  options: Partial<SyncBenchOptions> & Pick<SyncBenchOptions, 'contenders'>,
): ReturnType<typeof benchSync> {
  const progress = { show: () => undefined, note: () => undefined, end: () => undefined };
  return benchSync({ ...TINY, ...options }, { progress, command: 'test' });
}

const operation = (result: CaseResult, name: string): CaseResult['outcomes'][number] | undefined =>
  result.outcomes.find((outcome) => outcome.operation === name);

describe.each(BACKENDS)('%s', (name) => {
  it('measures every scenario in a real kernel, stage by stage, and leaves nothing behind', async () => {
    const { details, skipped } = await bench({ contenders: [contenderNamed(name)] });
    const failed =
      name === TOO_WIDE ? ['iptables-nft, 20 Services × 2 endpoints: One Service with 5,000 endpoints'] : [];
    expect(skipped.map(({ what }) => what)).toEqual(failed);
    const [result] = details.cases;
    if (result === undefined) throw new Error('no result');
    const wanted = SCENARIO_IDS.filter((id) => failed.length === 0 || id !== 'wide');
    expect(new Set(result.outcomes.map(({ scenario }) => scenario))).toEqual(new Set(wanted));
    for (const { scenario, total, detail } of result.outcomes) {
      expect(total.min).toBeGreaterThan(0);
      // Nothing is compiled to verify what is there.
      if (scenario === 'verify') expect([detail?.stages.read.min, detail?.bytes.max]).toEqual([total.min, 0]);
      else if (detail !== undefined) expect(detail.own.min).toBeGreaterThan(0);
    }
    const cold = operation(result, 'cold load');
    expect(cold?.detail?.bytes.min).toBeGreaterThan(1000);
    expect(cold?.detail?.changes.min).toBeGreaterThan(20 * 2);
    expect(cold?.detail?.stages.acknowledge.min).toBeGreaterThan(0);
    expect(cold?.floor?.p50).toBeGreaterThan(0);
    const change = operation(result, 'one endpoint changed');
    expect(change?.detail?.stages.write.min).toBeGreaterThan(0);
    expect(change?.detail?.changes.min).toBeGreaterThan(0);
    expect(change?.floor?.p50).toBeGreaterThan(0);
    // The rules were there already: they were read, and nothing was written.
    const restart = operation(result, 'restart')?.detail;
    expect([restart?.bytes.max, restart?.changes.max]).toEqual([0, 0]);
    expect(restart?.stages.read.min).toBeGreaterThan(0);
    // Every tenth Service lost its rules, no other.
    const resync = operation(result, 'full resync')?.detail;
    expect(resync?.changes.min).toBeGreaterThan(0);
    expect(resync?.changes.max).toBeLessThan((cold?.detail?.changes.min ?? 0) / 2);
    expect(Math.max(...result.strains.map(({ childPeakBytes }) => childPeakBytes))).toBeGreaterThan(0);
    expect((await systemRunner.run('nft', ['list', 'ruleset'])).stdout).not.toMatch(/sluice|KUBE-/);
    expect((await systemRunner.run('iptables-legacy-save', [])).stdout).not.toContain('KUBE-');
  });
});

it('leaves out a backend that cannot be measured and a case that takes too long, with the reasons', async () => {
  const nft = contenderNamed('nft');
  const absent = { ...nft, name: 'absent', backend: 'none-such' };
  const { details, skipped } = await bench({ contenders: [absent, nft], caseTimeoutMs: 1 });
  expect(details.cases).toEqual([]);
  expect(skipped).toEqual([
    { what: 'absent', reason: 'this version has no backend none-such' },
    { what: 'nft, 20 Services × 2 endpoints', reason: expect.stringMatching(/^it was not done after /) },
  ]);
  await expect(bench({ contenders: [absent] })).rejects.toThrow(/^there is nothing to measure: absent: /);
});

it('ends a case for which nobody waits any more', async () => {
  const spec = {
    contender: 'nft',
    services: 1000,
    endpoints: 4,
    scenarios: ['change'],
    runs: 1e6,
    budgetMs: 1e6,
    seed: 1,
  };
  const { promise: measuring, resolve: onLine } = Promise.withResolvers<string>();
  const main = fileURLToPath(new URL('../../src/bench/sync/case-main.ts', import.meta.url));
  const child = await startLineProcess({ file: process.execPath, args: [main, JSON.stringify(spec)], onLine });
  expect(JSON.parse(await measuring)).toEqual({ kind: 'scenario', scenario: 'change' });
  expect(await child.stop(20_000)).toEqual({ exitCode: 130, signal: undefined });
  await backendOf(contenderNamed('nft')).cleanup(systemRunner);
});
