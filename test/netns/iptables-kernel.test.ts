import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Assembly } from '../../src/backend/assembly.ts';
import { assemble } from '../../src/backend/assembly.ts';
import type { BackendSettings, Driver } from '../../src/backend/contract.ts';
import { iptablesBackend } from '../../src/backend/iptables/backend.ts';
import { programName, VARIANTS } from '../../src/backend/xtables/variant.ts';
import type { RuleSet } from '../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES, NO_RULES } from '../../src/backend/rules.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { FOREIGN_RULES, KUBE_PROXY_RULES, KUBELET_RULES } from '../support/kube-proxy-rules.ts';
import { address, nodePlan, planHistoryArbitrary, planOf, servicePlan, sketch } from '../support/plans.ts';

const PLACES = VARIANTS.flatMap((variant) => IP_FAMILIES.map((family) => ({ variant, family })));

/** The rules of others, in the addresses of the family. */
function inFamily(family: IpFamily, rules: string): string {
  if (family === 'IPv4') return rules;
  return rules
    .replaceAll(/(?:127|10)(?:\.\d+){3}\/8/g, 'fd00::/8')
    .replaceAll(/\b(\d+)(?:\.\d+){3}\/16/g, 'fd00:$1::/32')
    .replaceAll(/\b(\d+)\.(\d+)\.(\d+)\.(\d+)\/32/g, 'fd00:$1:$2:$3::$4/128')
    .replaceAll(/\b(\d+)\.(\d+)\.(\d+)\.(\d+):(\d+)/g, '[fd00:$1:$2:$3::$4]:$5')
    .replaceAll('255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')
    .replaceAll('icmp-port', 'icmp6-port');
}

describe.each(PLACES)('$variant, $family', ({ variant, family }) => {
  const settings: BackendSettings = { masqueradeBit: 14, conntrackBeLiberal: false, iptablesVariant: variant };
  const spelling = iptablesBackend.spelling(settings);
  const infix = variant === 'legacy' ? '-legacy' : '-nft';
  let driver: Driver;

  beforeEach(() => {
    driver = iptablesBackend.openDriver({ family, runner: systemRunner, settings });
  });

  afterEach(async () => {
    for (const table of ['filter', 'nat', 'mangle']) {
      const chains =
        (await save())
          .split(`*${table}\n`)[1]
          ?.split('COMMIT')[0]
          ?.match(/^:\S+ -/gm) ?? [];
      const flush = chains.map((chain) => `-X ${chain.slice(1, -2)}\n`).join('');
      await restore(`*${table}\n-F\n${flush}COMMIT\n`);
    }
    await driver.close();
  });

  async function save(): Promise<string> {
    const { stdout } = await systemRunner.run(programName(family, { infix }, '-save'), []);
    return stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[0:0]');
  }

  async function restore(input: string): Promise<void> {
    const program = programName(family, { infix }, '-restore');
    const { exitCode, stderr } = await systemRunner.run(program, ['-w', '5', '--noflush'], { input });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  }

  async function write(before: RuleSet, after: RuleSet): Promise<void> {
    await driver.apply(diffRuleSets(before, after), after);
    expect(diffRuleSets(await driver.read(), after)).toEqual(NO_CHANGES);
  }

  test('what is read is what was rendered, whatever the plans, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(planHistoryArbitrary(family), async (plans) => {
        let assembly: Assembly | undefined;
        for (const plan of plans) {
          const before = assembly?.rules ?? NO_RULES;
          assembly = assemble(spelling, plan, assembly);
          await write(before, assembly.rules);
        }
        await write(assembly?.rules ?? NO_RULES, NO_RULES);
        expect(await save()).not.toContain('KUBE-');
      }),
      { numRuns: 8 },
    );
  });

  test('every bucket and every share is spelled as the kernel prints it', async () => {
    const node = nodePlan(family);
    const services = Array.from({ length: 64 }, (_, n) => {
      const targets = Array.from({ length: n % 24 }, (_one, i) => ({
        address: address(family, 'endpoint', 24 * n + i),
        port: 8080,
        local: i % 2 === 0,
      }));
      const drawn = sketch(family, {
        name: `a/b${n}`,
        clusterIp: address(family, 'service', n),
        targets,
        nodePort: 1021 * (n + 1),
      });
      return servicePlan(drawn, node);
    });
    await write(NO_RULES, assemble(spelling, planOf(family, services, node)).rules);
    expect(await save()).toContain('--probability 0.04347826075');
  });

  test('kube-proxy’s rules are taken over in place, foreign ones survive cleanup byte by byte', async () => {
    await restore(inFamily(family, FOREIGN_RULES));
    await restore(inFamily(family, KUBELET_RULES));
    const untouched = await save();
    await restore(inFamily(family, KUBE_PROXY_RULES));
    const plans = fc.sample(planHistoryArbitrary(family), { numRuns: 1, seed: 7 }).flat();
    const rules = plans.map((plan) => assemble(spelling, plan).rules).at(-1) ?? NO_RULES;
    await write(await driver.read(), rules);
    expect(await save()).not.toMatch(/KUBE-PROXY-CANARY|AAAAAAAAAAAAAAAA/);
    const removed = await iptablesBackend.cleanup(systemRunner);
    expect(removed).toContainEqual(expect.stringContaining(`${programName(family, { infix }, '')} table nat: `));
    expect(await save()).toBe(untouched);
  });

  test('jumps that others moved or removed come back in order', async () => {
    const { rules } = assemble(spelling, planOf(family, []));
    await write(NO_RULES, rules);
    const jumps = (await save()).match(/^-A FORWARD .*$/gm) ?? [];
    const [first = '', second = ''] = jumps;
    await restore(`*filter\n${first.replace('-A', '-D')}\n${first}\n${second.replace('-A', '-D')}\nCOMMIT\n`);
    await write(await driver.read(), rules);
    expect((await save()).match(/^-A FORWARD .*$/gm)).toEqual(jumps);
  });

  test('a change that the kernel refuses is an error with the line, and writes nothing', async () => {
    const { rules } = assemble(spelling, planOf(family, []));
    const lines = ['-d 300.1.1.1 -j RETURN'];
    const broken = rules.set('nat KUBE-MARK-MASQ', { ordered: true, definition: 'chain', lines });
    await expect(driver.apply(diffRuleSets(NO_RULES, broken), broken)).rejects.toMatchObject({
      code: 'kernel-refused',
      data: { text: '-A KUBE-MARK-MASQ -d 300.1.1.1 -j RETURN' },
    });
    expect(await save()).not.toMatch(/^\*nat\n[^*]*KUBE/m);
  });
});

test('the lock of the legacy variant is waited for, and then named', async () => {
  const settings: BackendSettings = { masqueradeBit: 14, conntrackBeLiberal: false, iptablesVariant: 'legacy' };
  const driver = iptablesBackend.openDriver({ family: 'IPv4', runner: systemRunner, settings });
  const { rules } = assemble(iptablesBackend.spelling(settings), planOf('IPv4', []));
  const holding = systemRunner.run('flock', ['/run/xtables.lock', 'sleep', '7']);
  await systemRunner.run('sleep', ['0.3']);
  await expect(driver.apply(diffRuleSets(NO_RULES, rules), rules)).rejects.toMatchObject({ code: 'lock-busy' });
  await holding;
  await driver.apply(diffRuleSets(NO_RULES, rules), rules);
  await driver.apply(diffRuleSets(rules, NO_RULES), NO_RULES);
});
