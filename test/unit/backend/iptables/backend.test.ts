import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../../src/backend/contract.ts';
import { assemble } from '../../../../src/backend/assembly.ts';
import { iptablesBackend } from '../../../../src/backend/iptables/backend.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import { kernelFamilies } from '../../../../src/kernel/families.ts';
import type { CommandResult } from '../../../../src/kernel/command.ts';
import { FakeIptables, FakeTables } from '../../../support/fake-iptables.ts';
import { FOREIGN_RULES, KUBE_PROXY_RULES, KUBELET_RULES } from '../../../support/kube-proxy-rules.ts';
import { planOf } from '../../../support/plans.ts';

const BOTH = { '-nft': 'nf_tables', '-legacy': 'legacy', '': 'nf_tables' } as const;
const backend: Backend = iptablesBackend;

test('the text for an empty node is what builds it', () => {
  const plan = planOf('IPv4', []);
  const { rules } = assemble(backend.spelling({ masqueradeBit: 14, conntrackBeLiberal: false }), plan);
  const text = backend.text(plan, diffRuleSets(NO_RULES, rules), { masqueradeBit: 14, conntrackBeLiberal: false });
  expect(text).toMatch(/^\*filter\n[^]*COMMIT\n\*nat\n[^]*COMMIT\n$/);
  const tables = new FakeTables();
  expect(tables.restore(text)).toBeUndefined();
  expect(tables.save()).toContain('-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0');
});

describe('probe', () => {
  test('says which iptables there is and for which families', async () => {
    const probe = await backend.probe(new FakeIptables({ installed: BOTH }));
    expect(probe).toMatchObject({ description: 'iptables 1.8.9 (nf_tables)', families: kernelFamilies() });
  });

  test('a family without a nat table is missing, with the reason', async () => {
    const override = (program: string, args: readonly string[]): Partial<CommandResult> | undefined =>
      program === 'iptables-nft' && args.includes('-S')
        ? {
            exitCode: 3,
            stderr: "can't initialize iptables table `nat': Table does not exist (do you need to insmod?)\n",
          }
        : undefined;
    const { families, missing } = await backend.probe(new FakeIptables({ installed: BOTH, override }));
    expect(families).not.toContain('IPv4');
    expect(missing.find((line) => line.startsWith('IPv4: '))).toContain('Table does not exist');
  });

  test('without a family there is nothing to work with', async () => {
    const override = (_program: string, args: readonly string[]): Partial<CommandResult> | undefined =>
      args.includes('-S') ? { exitCode: 3, stderr: 'Table does not exist (do you need to insmod?)\n' } : undefined;
    const probing = backend.probe(new FakeIptables({ installed: BOTH, override }));
    await expect(probing).rejects.toMatchObject({ code: 'kernel-unsupported' });
  });

  test.each([
    ['without permission', 'Permission denied (you must be root)\n', 'permission-denied'],
    ['while others hold the lock', 'Another app is currently holding the xtables lock.\n', 'lock-busy'],
  ])('%s nothing can be said', async (_why, stderr, code) => {
    const override = (program: string, args: readonly string[]): Partial<CommandResult> | undefined =>
      program === 'iptables-nft' && args.includes('-S') ? { exitCode: 4, stderr } : undefined;
    const probing = backend.probe(new FakeIptables({ installed: BOTH, override }));
    await expect(probing).rejects.toMatchObject({ code });
  });
});

describe('cleanup', () => {
  test('removes what is ours or kube-proxy’s from both variants, nothing else', async () => {
    const runner = new FakeIptables({ installed: BOTH });
    const places = (['nf_tables', 'legacy'] as const).map((variant) => runner.tables('iptables', variant));
    const before = places.map((tables) => {
      tables.restore(FOREIGN_RULES);
      tables.restore(KUBELET_RULES);
      const untouched = tables.save();
      tables.restore(KUBE_PROXY_RULES);
      return untouched;
    });
    const jumps = 'and the jumps to them from 3 built-in chains';
    expect(await backend.cleanup(runner)).toEqual(
      ['iptables-nft', 'iptables-legacy'].flatMap((program) => [
        `${program} table filter: 6 chains ${jumps}`,
        `${program} table nat: 12 chains ${jumps}`,
        `${program} table mangle: 1 chains`,
      ]),
    );
    expect(places.map((tables) => tables.save())).toEqual(before);
    expect(await backend.cleanup(runner)).toEqual([]);
  });

  test('cannot be done where there is no iptables', async () => {
    const cleaning = backend.cleanup(new FakeIptables({ installed: {} }));
    await expect(cleaning).rejects.toMatchObject({ code: 'command-missing' });
  });
});
