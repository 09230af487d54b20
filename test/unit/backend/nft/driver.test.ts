import { describe, expect, test } from 'vitest';
import { SluiceError } from '../../../../src/base/errors.ts';
import { KUBE_PROXY_OBJECT } from '../../../../src/backend/nft/encode.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_RULES } from '../../../../src/backend/rules.ts';
import type { Driver } from '../../../../src/backend/contract.ts';
import type { Target } from '../../../../src/compiler/plan.ts';
import { FakeNft } from '../../../support/fake-nft.ts';
import { fakeNftDriver } from '../../../support/nft-driver.ts';
import { assembleAll, deadEnds } from '../../../support/nft-world.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';
import { plainRules } from '../../../support/rule-sets.ts';

const NODE = nodePlan('IPv4');
const ONE = target('10.244.2.1', 8080);
const TWO = target('10.244.2.2', 8080);

/** The rules for Services drawn like these, step by step. */
function steps(...drawn: readonly (readonly Partial<ServiceSketch>[])[]): readonly RuleSet[] {
  const plans = drawn.map((list) =>
    planOf(
      'IPv4',
      list.map((parts) => servicePlan(sketch('IPv4', parts), NODE)),
      NODE,
    ),
  );
  return assembleAll(plans).map(({ rules }) => rules);
}

/** Writes what differs from what the driver wrote or read last. */
async function apply(driver: Driver, before: RuleSet, after: RuleSet): Promise<RuleSet> {
  await driver.apply(diffRuleSets(before, after), after);
  return after;
}

function start() {
  const nft = new FakeNft();
  return { nft, ...fakeNftDriver(nft, 'IPv4') };
}

test('knows which endpoint is in which slot without looking', async () => {
  const { driver } = start();
  const [A, B, C, D] = [1, 2, 3, 4].map((n) => target(`10.244.2.${n}`, 80)) as [Target, Target, Target, Target];
  const pools = [
    [A, B, C],
    [B, C],
    [B, C, D],
    [B, D],
  ].map((targets) => [{ targets }]);
  let known = NO_RULES;
  for (const rules of steps(...pools)) known = await apply(driver, known, rules);
  expect(plainRules(await driver.read())).toEqual(plainRules(known));
});

test('narrows and widens source ranges', async () => {
  const { driver } = start();
  const ranges = [['10.0.0.0/8'], ['10.1.0.0/16', '10.2.0.0/16'], ['10.0.0.0/8'], ['10.1.2.3/32']];
  const balancer = { targets: [ONE], loadBalancerIps: [ip('192.0.2.1')] };
  let known = NO_RULES;
  for (const rules of steps(...ranges.map((list) => [{ ...balancer, allowedSources: list.map(cidr) }]))) {
    known = await apply(driver, known, rules);
    expect(plainRules(await driver.read())).toEqual(plainRules(known));
  }
});

describe('the way to the kernel', () => {
  const many = Array.from({ length: 200 }, (_, i) => ({
    name: `default/svc-${i}:http`,
    clusterIp: target(`10.97.0.${i}`, 1).address,
    targets: [ONE, TWO],
  }));

  test('small batches go through the session, large ones and the first one through a file', async () => {
    const { driver, runner, session } = start();
    const [first = NO_RULES, small = NO_RULES, large = NO_RULES] = steps(
      [{ targets: [ONE] }],
      [{ targets: [TWO] }],
      many,
    );
    let known = await apply(driver, NO_RULES, first);
    expect([session.lines.length, runner.calls.length]).toEqual([0, 1]);
    known = await apply(driver, known, small);
    expect([session.lines.length, runner.calls.length]).toEqual([1, 1]);
    expect(session.lines[0]).not.toContain('\n');
    await apply(driver, known, large);
    expect(runner.calls.map(({ command }) => command)).toEqual(['nft -f -', 'nft -f -']);
  });

  test('what does not fit at once is written in groups, and never leads anywhere dead', async () => {
    const { nft, driver, runner } = start();
    nft.maxCharacters = 30_000;
    const run = nft.run.bind(nft);
    nft.run = (text) => {
      const output = run(text);
      expect(deadEnds(nft, 'IPv4')).toEqual([]);
      return output;
    };
    const [large = NO_RULES] = steps(many);
    await apply(driver, NO_RULES, large);
    expect(runner.calls.length).toBeGreaterThan(0);
    expect(plainRules(await driver.read())).toEqual(plainRules(large));
  });

  test('what does not fit even so is refused', async () => {
    const { nft, driver } = start();
    nft.maxCharacters = 1000;
    await expect(apply(driver, NO_RULES, steps(many)[0] ?? NO_RULES)).rejects.toMatchObject({
      code: 'kernel-refused',
      data: { tooLong: true },
    });
  });

  test.each([
    ['session', [{ targets: [ONE] }]],
    ['file', many],
  ])('a refusal in a %s says what nft said, and nothing is written', async (_way, drawn) => {
    const { nft, driver } = start();
    nft.poison = /10\.244\.2\.1/;
    const written = apply(driver, NO_RULES, steps(drawn)[0] ?? NO_RULES);
    await expect(written).rejects.toMatchObject({
      code: 'kernel-refused',
      message: 'nft could not write the rules: Could not process rule: Invalid argument',
    });
    expect(nft.listTables()).toBe('');
  });
});

describe('objects that nothing uses any more', () => {
  const affinity = { affinityTimeoutS: 60 };
  const [both = NO_RULES, none = NO_RULES, again = NO_RULES] = steps(
    [{ targets: [ONE, TWO], ...affinity }],
    [{ targets: [], ...affinity }],
    [{ targets: [ONE], ...affinity }],
  );

  test('go after the change, in a transaction of their own', async () => {
    const { driver, session } = start();
    await apply(driver, await apply(driver, NO_RULES, both), none);
    expect(session.lines.map((line) => /delete (?:chain|set)/.test(line))).toEqual([false, true]);
    expect(plainRules(await driver.read())).toEqual(plainRules(none));
  });

  test('are tried again with the next change when the kernel still holds them', async () => {
    const { nft, driver } = start();
    const known = await apply(driver, NO_RULES, both);
    nft.poison = /delete chain/;
    const empty = await apply(driver, known, none);
    expect(nft.rules('ip sluice', 'tcp-cluster-1')).toBeUndefined();
    nft.poison = undefined;
    const after = await apply(driver, empty, steps([{ targets: [ONE] }])[0] ?? NO_RULES);
    expect(plainRules(await driver.read())).toEqual(plainRules(after));
  });

  test.each(['before', 'after'])('are gone although nft died %s it deleted them', async (when) => {
    const { nft, driver, session } = start();
    const known = await apply(driver, NO_RULES, both);
    const line = session.run.bind(session);
    session.run = async (text) => {
      if (!text.includes('delete chain')) return line(text);
      session.run = line;
      if (when === 'after') await line(text);
      throw new SluiceError({ code: 'command-failed', message: 'the interactive nft ended unexpectedly' });
    };
    const empty = await apply(driver, known, none);
    expect(plainRules(await fakeNftDriver(nft, 'IPv4').driver.read())).toEqual(plainRules(none));
    const back = await apply(driver, empty, again);
    await apply(driver, back, none);
    expect(plainRules(await fakeNftDriver(nft, 'IPv4').driver.read())).toEqual(plainRules(none));
  });

  test('are left alone when they are in use again', async () => {
    const { nft, driver } = start();
    const known = await apply(driver, NO_RULES, both);
    nft.poison = /delete chain/;
    const empty = await apply(driver, known, none);
    nft.poison = undefined;
    const back = await apply(driver, empty, again);
    expect(plainRules(await driver.read())).toEqual(plainRules(back));
  });
});

describe('what others left', () => {
  test("kube-proxy's table is read, and goes with the first write", async () => {
    const { nft, driver } = start();
    nft.run('add table ip kube-proxy; add chain ip kube-proxy services; add table ip6 kube-proxy');
    const read = await driver.read();
    expect([...read.keys()]).toEqual([KUBE_PROXY_OBJECT]);
    await apply(driver, read, steps([])[0] ?? NO_RULES);
    expect(nft.listTables()).toBe('table ip6 kube-proxy\ntable ip sluice\n');
  });

  test("a table of another layout is replaced in one transaction, and kube-proxy's goes in the next", async () => {
    const { nft, driver } = start();
    nft.run(
      'add table ip kube-proxy; add table ip sluice; add set ip sluice service-ips { type ipv4_addr; }; add chain ip sluice odd',
    );
    const before = nft.transactions;
    const [rules = NO_RULES] = steps([{ targets: [ONE] }]);
    await apply(driver, await driver.read(), rules);
    expect(nft.transactions).toBe(before + 2);
    expect(nft.listTables()).toBe('table ip sluice\n');
    expect(plainRules(await driver.read())).toEqual(plainRules(rules));
  });
});

test('what cannot be read is an error of its own', async () => {
  const { driver, runner } = start();
  const run = runner.run.bind(runner);
  runner.run = async (...call) => ({ ...(await run(...call)), exitCode: 1, stderr: 'Error: Input/output error\n' });
  await expect(driver.read()).rejects.toMatchObject({
    code: 'rules-unreadable',
    message: expect.stringContaining('nft list chains ip'),
  });
});

test('closing ends the session', async () => {
  const { driver, session } = start();
  await driver.close();
  expect(session.closed).toBe(true);
});
