import { describe, expect, test } from 'vitest';
import { FamilySync } from '../../../src/applier/family-sync.ts';
import { nftSpelling } from '../../../src/backend/nft/render.ts';
import { NO_RULES } from '../../../src/backend/rules.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeDriver } from '../../support/fake-driver.ts';
import { plainRules, touchedBy } from '../../support/rule-sets.ts';
import { BAD, BAD_ENDPOINT, inputsFor, keyOf, rulesFor } from '../../support/sync-inputs.ts';

const THREE = { 1: ['10.1.0.1'], 2: ['10.1.0.2'], 3: ['10.1.0.3'] };

function start(driver = new FakeDriver()) {
  const clock = new FakeClock();
  return { driver, clock, sync: new FamilySync({ family: 'IPv4', driver, spelling: nftSpelling, clock }) };
}

/** A family that has the three Services written already. */
async function written() {
  const started = start();
  await started.sync.sync(inputsFor(THREE));
  started.driver.reads = 0;
  started.driver.attempts = 0;
  started.driver.applied.length = 0;
  return started;
}

function failure(code: ErrorCode): SluiceError {
  return new SluiceError({ code, message: 'no' });
}

describe('what is written', () => {
  test('the first time: everything, after one look at the kernel', async () => {
    const { driver, sync } = start();
    const report = await sync.sync(inputsFor(THREE));
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(THREE))));
    expect([driver.reads, driver.attempts]).toEqual([1, 1]);
    const { plan, rules, written: characters, ...facts } = report;
    expect(characters).toBeGreaterThan(0);
    expect(plan.services.size).toBe(3);
    expect(plainRules(rules)).toEqual(plainRules(driver.rules));
    expect(facts).toEqual({
      family: 'IPv4',
      changes: driver.rules.size,
      services: 3,
      full: true,
      quarantined: 0,
      conflicts: 0,
      repaired: 0,
      refused: [],
      startedMs: 1000,
      overlapped: false,
      readMs: 0,
      compileMs: 0,
      renderMs: 0,
      writeMs: 0,
    });
  });

  test('nothing when nothing changed', async () => {
    const { driver, sync } = await written();
    expect(await sync.sync(inputsFor(THREE))).toMatchObject({ changes: 0, services: 3 });
    expect([driver.reads, driver.attempts]).toEqual([0, 0]);
  });

  test('what changed, without another look', async () => {
    const { driver, sync } = await written();
    const inputs = inputsFor({ ...THREE, 2: ['10.1.0.2', '10.1.0.9'] });
    expect(await sync.sync(inputs)).toMatchObject({ changes: 3 });
    expect(driver.applied.map(touchedBy)).toEqual([
      ['chain tcp-cluster-2', 'set service-ips 10.96.0.2 . tcp . 80', 'set tcp-endpoints 10.96.0.2 . 80'],
    ]);
    expect([driver.reads, driver.attempts]).toEqual([0, 1]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputs)));
  });

  test('only the difference, by a process that finds rules in place', async () => {
    const { driver } = await written();
    const inPlace = start(driver);
    expect(await inPlace.sync.sync(inputsFor(THREE))).toMatchObject({ changes: 0 });
    expect([driver.reads, driver.attempts]).toEqual([1, 0]);
    const behind = start(driver);
    await behind.sync.sync(inputsFor({ ...THREE, 4: [] }));
    expect(driver.applied.map(touchedBy)).toEqual([
      ['set cluster-ips 10.96.0.4', 'set no-endpoints 10.96.0.4 . tcp . 80'],
    ]);
  });

  test('what somebody else broke, once it is distrusted', async () => {
    const { driver, sync } = await written();
    driver.rules = driver.rules.delete('chain nat-prerouting');
    expect(await sync.sync(inputsFor(THREE))).toMatchObject({ changes: 0 });
    sync.distrust();
    expect(await sync.sync(inputsFor(THREE))).toMatchObject({ changes: 1 });
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(THREE))));
  });

  test('time is told apart by what it went into', async () => {
    const { driver, clock, sync } = await written();
    let open = (): void => undefined;
    driver.gate = new Promise((resolve) => {
      open = resolve;
    });
    const pending = sync.sync(inputsFor({}));
    await clock.advance(25);
    open();
    expect(await pending).toMatchObject({ compileMs: 0, renderMs: 0, writeMs: 25 });
  });
});

describe('failures that say nothing about the rules', () => {
  test.each(['command-timeout', 'command-failed', 'lock-busy', 'permission-denied'] as const)(
    '%s while writing',
    async (code) => {
      const { driver, sync } = await written();
      driver.failures.push(failure(code));
      const inputs = inputsFor({ ...THREE, 1: [] });
      await expect(sync.sync(inputs)).rejects.toMatchObject({ code });
      expect([driver.reads, driver.attempts, sync.quarantined]).toEqual([0, 1, []]);
      expect(await sync.sync(inputs)).toMatchObject({ refused: [] });
      expect([driver.reads, driver.attempts]).toEqual([1, 2]);
      expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputs)));
    },
  );

  test('the transaction went in although it failed: the next look finds it', async () => {
    const { driver, sync } = await written();
    const inputs = inputsFor({ ...THREE, 1: [] });
    driver.onApplied = () => {
      driver.onApplied = undefined;
      throw failure('command-timeout');
    };
    await expect(sync.sync(inputs)).rejects.toMatchObject({ code: 'command-timeout' });
    expect(await sync.sync(inputs)).toMatchObject({ changes: 0 });
    expect(driver.applied).toHaveLength(1);
  });

  test('the kernel cannot be read', async () => {
    const { driver, sync } = start();
    driver.failures.push(failure('rules-unreadable'), failure('rules-unreadable'));
    for (let i = 0; i < 2; i++)
      await expect(sync.sync(inputsFor(THREE))).rejects.toMatchObject({ code: 'rules-unreadable' });
    await sync.sync(inputsFor(THREE));
    expect([driver.reads, driver.attempts]).toEqual([3, 1]);
  });
});

describe('refusals', () => {
  test('because the kernel holds something else than we think: one look is enough', async () => {
    const { driver, sync } = await written();
    driver.failures.push(failure('kernel-refused'));
    driver.rules = driver.rules.delete('chain nat-output');
    const inputs = inputsFor({ ...THREE, 1: [] });
    expect(await sync.sync(inputs)).toMatchObject({ refused: [] });
    expect([driver.reads, driver.attempts]).toEqual([1, 2]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputs)));
  });

  test('the culprit keeps its old rules, the others get their new ones', async () => {
    const { driver, sync } = await written();
    driver.poison = BAD;
    const report = await sync.sync(inputsFor({ 1: ['10.1.0.8'], 2: [BAD_ENDPOINT], 4: ['10.1.0.4'] }));
    expect(report.refused.map(({ key, error }) => [key, error.code])).toEqual([[keyOf(2), 'kernel-refused']]);
    expect(sync.quarantined).toEqual([keyOf(2)]);
    expect(plainRules(driver.rules)).toEqual(
      plainRules(rulesFor(inputsFor({ 1: ['10.1.0.8'], 2: THREE[2], 4: ['10.1.0.4'] }))),
    );
  });

  test('a new Service that is refused is left out', async () => {
    const { driver, sync } = start();
    driver.poison = BAD;
    const report = await sync.sync(inputsFor({ ...THREE, 4: [BAD_ENDPOINT] }));
    expect(report.refused.map(({ key }) => key)).toEqual([keyOf(4)]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(THREE))));
  });

  test('a culprit is not tried again in vain, but when it changes', async () => {
    const { driver, sync } = await written();
    driver.poison = BAD;
    const bad = { ...THREE, 2: [BAD_ENDPOINT] };
    await sync.sync(inputsFor(bad));
    driver.attempts = 0;
    expect(await sync.sync(inputsFor(bad))).toMatchObject({ changes: 0, refused: [] });
    expect(await sync.sync(inputsFor({ ...bad, 1: [] }))).toMatchObject({ refused: [] });
    expect([driver.attempts, sync.quarantined]).toEqual([1, [keyOf(2)]]);
    const mended = inputsFor({ ...bad, 1: [], 2: ['10.1.0.7'] });
    expect(await sync.sync(mended)).toMatchObject({ refused: [] });
    expect([driver.attempts, sync.quarantined]).toEqual([2, []]);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(mended)));
  });

  test('a culprit that is deleted goes', async () => {
    const { driver, sync } = await written();
    driver.poison = BAD;
    await sync.sync(inputsFor({ ...THREE, 2: [BAD_ENDPOINT] }));
    const { 2: _deleted, ...others } = THREE;
    await sync.sync(inputsFor(others));
    expect([plainRules(driver.rules), sync.quarantined]).toEqual([plainRules(rulesFor(inputsFor(others))), []]);
  });

  test('a verification gives it another chance', async () => {
    const { driver, sync } = await written();
    driver.poison = BAD;
    const bad = inputsFor({ ...THREE, 2: [BAD_ENDPOINT] });
    await sync.sync(bad);
    sync.distrust();
    expect((await sync.sync(bad)).refused.map(({ key }) => key)).toEqual([keyOf(2)]);
    driver.poison = undefined;
    sync.distrust();
    await sync.sync(bad);
    expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(bad)));
  });

  test('of what is no Service: nobody is blamed', async () => {
    const { driver, sync } = start();
    driver.poison = /jump masquerading/;
    await expect(sync.sync(inputsFor(THREE))).rejects.toMatchObject({ code: 'kernel-refused' });
    expect([sync.quarantined, driver.rules]).toEqual([[], NO_RULES]);
  });

  test('another failure on the way ends the search; the next sync takes it up again', async () => {
    const { driver, sync } = await written();
    driver.poison = BAD;
    const bad = inputsFor({ 1: ['10.1.0.8'], 2: [BAD_ENDPOINT], 3: ['10.1.0.9'] });
    let calls = 0;
    const read = driver.read.bind(driver);
    driver.read = () => {
      calls++;
      return calls === 3 ? Promise.reject(failure('command-timeout')) : read();
    };
    await expect(sync.sync(bad)).rejects.toMatchObject({ code: 'command-timeout' });
    expect((await sync.sync(bad)).refused.map(({ key }) => key)).toEqual([keyOf(2)]);
    expect(plainRules(driver.rules)).toEqual(
      plainRules(rulesFor(inputsFor({ 1: ['10.1.0.8'], 2: THREE[2], 3: ['10.1.0.9'] }))),
    );
  });
});

test('what an inspection found is repaired although the next one is under way', async () => {
  const { driver, sync } = await written();
  driver.rules = driver.rules.delete('chain nat-output');
  expect(await sync.inspect()).toBe(true);
  const gate = Promise.withResolvers<void>();
  driver.inspectionGate = gate.promise;
  const next = sync.inspect();
  expect(await sync.sync(inputsFor(THREE))).toMatchObject({ changes: 1, repaired: 1, full: false });
  expect(plainRules(driver.rules)).toEqual(plainRules(rulesFor(inputsFor(THREE))));
  gate.resolve();
  expect(await next).toBe(false);
  expect(await sync.sync(inputsFor(THREE))).toMatchObject({ changes: 0, repaired: 0 });
});
