import { describe, expect, test } from 'vitest';
import type { SluiceError } from '../../../../src/base/errors.ts';
import { assemble } from '../../../../src/backend/assembly.ts';
import type { BackendSettings, Driver } from '../../../../src/backend/contract.ts';
import { IptablesDriver } from '../../../../src/backend/iptables/driver.ts';
import { choosePrograms, findPrograms } from '../../../../src/backend/xtables/programs.ts';
import { objectId } from '../../../../src/backend/xtables/names.ts';
import { iptablesSpelling } from '../../../../src/backend/iptables/render.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES, NO_RULES } from '../../../../src/backend/rules.ts';
import type { CommandResult } from '../../../../src/kernel/command.ts';
import { FakeIptables } from '../../../support/fake-iptables.ts';
import { address, nodePlan, planOf, servicePlan, sketch } from '../../../support/plans.ts';

const BOTH = { '-nft': 'nf_tables', '-legacy': 'legacy', '': 'nf_tables' } as const;
const SETTINGS: BackendSettings = { masqueradeBit: 14, conntrackBeLiberal: false };
const HINT = ':KUBE-IPTABLES-HINT - [0:0]\n';

async function thrownBy(action: Promise<unknown>): Promise<Partial<SluiceError>> {
  try {
    await action;
  } catch (thrown) {
    return thrown as SluiceError;
  }
  return {};
}

function rulesFor(count: number): RuleSet {
  const node = nodePlan('IPv4');
  const services = Array.from({ length: count }, (_, n) => {
    const targets = [{ address: address('IPv4', 'endpoint', n), port: 80, local: true }];
    return servicePlan(
      sketch('IPv4', { name: `team/svc-${n}`, clusterIp: address('IPv4', 'service', n), targets }),
      node,
    );
  });
  return assemble(iptablesSpelling(SETTINGS), planOf('IPv4', services, node)).rules;
}

function open(runner: FakeIptables, settings: Partial<BackendSettings> = {}): Driver {
  return new IptablesDriver({ family: 'IPv4', runner, settings: { ...SETTINGS, ...settings } });
}

describe('which iptables?', () => {
  test('one set of programs per variant, the plain ones where there are no others', async () => {
    const infixes = async (installed: Readonly<Record<string, 'nf_tables' | 'legacy'>>): Promise<string[]> =>
      (await findPrograms(new FakeIptables({ installed }))).map(({ variant, infix }) => `${variant} ${infix}`);
    expect(await infixes(BOTH)).toEqual(['nf_tables -nft', 'legacy -legacy']);
    expect(await infixes({ '': 'legacy' })).toEqual(['legacy ']);
    expect(await infixes({ '': 'nf_tables', '-legacy': 'legacy' })).toEqual(['nf_tables ', 'legacy -legacy']);
    expect(await infixes({})).toEqual([]);
  });

  test.each([
    ['where kubelet left its hint', 'iptables-legacy-save', BOTH, 'legacy'],
    ['where kubelet left its hint, in IPv6', 'ip6tables-legacy-save', BOTH, 'legacy'],
    ['what plain iptables is', 'nothing', BOTH, 'nf_tables'],
    ['what plain iptables is', 'nothing', { ...BOTH, '': 'legacy' }, 'legacy'],
    ['what there is', 'nothing', { '-legacy': 'legacy' }, 'legacy'],
  ] as const)('%s (%s)', async (_title, hinted, installed, variant) => {
    const override = (program: string): Partial<CommandResult> | undefined =>
      program === hinted ? { stdout: `*mangle\n${HINT}COMMIT\n` } : undefined;
    expect((await choosePrograms(new FakeIptables({ installed, override }))).variant).toBe(variant);
  });

  test('asking the legacy variant makes no table', async () => {
    const runner = new FakeIptables({ installed: BOTH });
    await choosePrograms(runner);
    expect(runner.calls).toContain('iptables-nft-save -t mangle');
    expect(runner.calls).toContain('iptables-legacy-save');
  });

  test('the one that is wanted, or an error', async () => {
    expect((await choosePrograms(new FakeIptables({ installed: BOTH }), 'legacy')).infix).toBe('-legacy');
    const runner = new FakeIptables({ installed: { '': 'legacy' } });
    expect(await thrownBy(choosePrograms(runner, 'nf_tables'))).toMatchObject({
      code: 'command-missing',
      message: expect.stringContaining('nf_tables'),
    });
    expect(await thrownBy(choosePrograms(new FakeIptables({ installed: {} })))).toMatchObject({
      code: 'command-missing',
    });
  });

  test('a program that cannot be started is not one that is missing', async () => {
    const runner = new FakeIptables({
      installed: BOTH,
      override: () => {
        throw new Error('out of memory');
      },
    });
    expect(await thrownBy(choosePrograms(runner))).toMatchObject({ code: 'internal' });
  });
});

describe('the driver', () => {
  test('writes, reads back, and looks for programs once', async () => {
    const runner = new FakeIptables({ installed: BOTH });
    const driver = open(runner);
    const rules = rulesFor(3);
    expect(await driver.read()).toBe(NO_RULES);
    await driver.apply(diffRuleSets(NO_RULES, rules), rules);
    expect(diffRuleSets(await driver.read(), rules)).toEqual(NO_CHANGES);
    expect(runner.calls.filter((call) => call.endsWith('--version'))).toHaveLength(4);
    expect(runner.calls).toContain('iptables-nft-restore -w 5 --noflush');
    await driver.close();
  });

  test('starts nothing for an empty change', async () => {
    const runner = new FakeIptables({ installed: BOTH });
    const driver = open(runner, { iptablesVariant: 'legacy' });
    await driver.apply(NO_CHANGES, NO_RULES);
    expect(runner.calls.filter((call) => call.includes('restore'))).toEqual([]);
  });

  test('looks for programs again after it found none', async () => {
    const installed: Record<string, 'nf_tables' | 'legacy'> = {};
    const driver = open(new FakeIptables({ installed }));
    expect(await thrownBy(driver.read())).toMatchObject({ code: 'command-missing' });
    installed[''] = 'nf_tables';
    expect(await driver.read()).toBe(NO_RULES);
  });

  test('what cannot be read is an error', async () => {
    const override = (program: string): Partial<CommandResult> | undefined =>
      program.endsWith('-save') ? { exitCode: 1, stderr: 'iptables-save: garbage\n' } : undefined;
    const driver = open(new FakeIptables({ installed: BOTH, override }), { iptablesVariant: 'legacy' });
    expect(await thrownBy(driver.read())).toMatchObject({ code: 'rules-unreadable' });
  });

  test('a change that is refused is an error with the line', async () => {
    const runner = new FakeIptables({ installed: BOTH });
    const driver = open(runner);
    const rules = rulesFor(1);
    const broken = rules.set('nat KUBE-SERVICES', { ordered: true, definition: 'chain', lines: ['-j NOWHERE'] });
    expect(await thrownBy(driver.apply(diffRuleSets(NO_RULES, broken), broken))).toMatchObject({
      code: 'kernel-refused',
      message: expect.stringContaining('NOWHERE'),
      data: { text: 'COMMIT' },
    });
  });
});

/** As in a user namespace: a message to the kernel may have so many lines and no more. */
function limited(lines: number): { readonly runner: FakeIptables; readonly sizes: number[] } {
  const sizes: number[] = [];
  const inner = new FakeIptables({ installed: BOTH });
  const runner = new FakeIptables({ installed: BOTH });
  runner.run = async (program, args, options) => {
    const size = options?.input?.split('\n').length ?? 0;
    if (size > lines) {
      sizes.push(-size);
      return { exitCode: 1, stdout: '', stderr: `sendmsg() failed: Message too long\n${program}: line 7 failed\n` };
    }
    if (size > 0) sizes.push(size);
    return inner.run(program, args, options);
  };
  return { runner, sizes };
}

describe('a kernel that takes small messages only', () => {
  test('gets the change in parts, and from then on at once', async () => {
    const { runner, sizes } = limited(600);
    const driver = open(runner);
    const rules = rulesFor(400);
    await driver.apply(diffRuleSets(NO_RULES, rules), rules);
    expect(diffRuleSets(await driver.read(), rules)).toEqual(NO_CHANGES);
    expect(sizes.filter((size) => size < 0)).toHaveLength(1);
    expect(sizes.length).toBeGreaterThan(4);
    await driver.apply(diffRuleSets(rules, NO_RULES), NO_RULES);
    expect(await driver.read()).toBe(NO_RULES);
    expect(sizes.filter((size) => size < 0)).toHaveLength(1);
  });

  test('gets smaller parts when the first ones are too large', async () => {
    const { runner, sizes } = limited(200);
    const driver = open(runner);
    const rules = rulesFor(400);
    await driver.apply(diffRuleSets(NO_RULES, rules), rules);
    expect(diffRuleSets(await driver.read(), rules)).toEqual(NO_CHANGES);
    expect(sizes.filter((size) => size < 0).length).toBeGreaterThan(1);
  });

  test('that takes nothing is an error', async () => {
    const { runner } = limited(5);
    const rules = rulesFor(400);
    expect(await thrownBy(open(runner).apply(diffRuleSets(NO_RULES, rules), rules))).toMatchObject({
      code: 'kernel-refused',
    });
  });

  test('refuses a chain that is too large by itself', async () => {
    const { runner, sizes } = limited(200);
    const lines = Array.from({ length: 400 }, (_, i) => `-j DNAT --to-destination 10.1.${i >> 8}.${i & 255}:80`);
    const chain = { ordered: true, definition: '', lines } as const;
    const rules = NO_RULES.set(objectId('nat', 'KUBE-SVC-WIDE'), chain);
    expect(await thrownBy(open(runner).apply(diffRuleSets(NO_RULES, rules), rules))).toMatchObject({
      code: 'kernel-refused',
    });
    expect(sizes).toHaveLength(1);
  });
});
