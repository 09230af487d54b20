import { describe, expect, test } from 'vitest';
import type { SyncInputs } from '../../../src/applier/family-state.ts';
import { failure, gate, HOUR_MS, ONE, startApplier, TWO } from '../../support/applier-world.ts';
import { snapshotOf, servicePort } from '../../support/cluster.ts';
import { settle } from '../../support/fake-clock.ts';
import { ip } from '../../support/plans.ts';
import { plainRules } from '../../support/rule-sets.ts';
import { BAD, BAD_ENDPOINT, inputsFor, keyOf, rulesFor } from '../../support/sync-inputs.ts';

test('brings both families to the newest state, and says so', async () => {
  const { applier, four, six, synced, lines } = startApplier();
  applier.update(ONE);
  await applier.idle();
  expect(plainRules(four.rules)).toEqual(plainRules(rulesFor(ONE, 'IPv4')));
  expect(plainRules(six.rules)).toEqual(plainRules(rulesFor(ONE, 'IPv6')));
  expect(synced.map((reports) => reports.map(({ family }) => family))).toEqual([['IPv4', 'IPv6']]);
  expect(lines.map(({ level, message, fields }) => [level, message, fields['family'], fields['services']])).toEqual([
    ['info', 'rules written', 'IPv4', 1],
    ['info', 'rules written', 'IPv6', 1],
  ]);
});

test('changes during a write are written together after it', async () => {
  const { applier, four } = startApplier();
  const write = gate();
  four.gate = write.promise;
  applier.update(ONE);
  await settle();
  applier.update(inputsFor({}));
  applier.update(TWO);
  await settle();
  expect(four.attempts).toBe(1);
  write.open();
  await applier.idle();
  expect([four.applied.length, plainRules(four.rules)]).toEqual([2, plainRules(rulesFor(TWO))]);
});

test('the minimum time between two syncs is kept', async () => {
  const { applier, clock, four } = startApplier({ minSyncPeriodMs: 1000 });
  applier.update(ONE);
  await settle();
  applier.update(TWO);
  await clock.advance(999);
  expect(four.applied).toHaveLength(1);
  await clock.advance(1);
  expect(four.applied).toHaveLength(2);
});

describe('failures', () => {
  test('of one family do not hold up the other, and are mended', async () => {
    const { applier, clock, four, six, synced, lines } = startApplier();
    four.failures.push(failure('command-timeout'), failure('command-timeout'));
    applier.update(ONE);
    await settle();
    expect([four.rules.size, plainRules(six.rules)]).toEqual([0, plainRules(rulesFor(ONE, 'IPv6'))]);
    expect(synced).toEqual([]);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        message: 'sync failed: the tool failed',
        fields: { code: 'command-timeout', hint: 'do something', retryInMs: 100, file: 'nft', family: 'IPv4' },
      },
    ]);
    await clock.advance(300);
    expect(plainRules(four.rules)).toEqual(plainRules(rulesFor(ONE)));
    expect(synced).toHaveLength(1);
    expect(six.applied).toHaveLength(1);
  });

  test('of both families are told both', async () => {
    const { applier, four, six, lines } = startApplier();
    four.failures.push(failure('command-timeout'));
    six.failures.push(failure('rules-unreadable'));
    applier.update(ONE);
    await settle();
    const told = lines.filter(({ level }) => level === 'error').map(({ fields }) => [fields['family'], fields['code']]);
    expect(new Map(told as [string, string][])).toEqual(
      new Map([
        ['IPv4', 'command-timeout'],
        ['IPv6', 'rules-unreadable'],
      ]),
    );
    await applier.stop();
  });

  test('of a single sync are thrown', async () => {
    const { applier, four } = startApplier();
    four.failures.push(failure('permission-denied'));
    await expect(applier.syncOnce(ONE)).rejects.toMatchObject({ code: 'permission-denied' });
    expect((await applier.syncOnce(ONE)).map(({ family }) => family)).toEqual(['IPv4', 'IPv6']);
    await applier.stop();
  });

  test('a refused Service is told with what the kernel said', async () => {
    const { applier, four, lines, synced } = startApplier();
    four.poison = BAD;
    applier.update(inputsFor({ 1: ['10.1.0.1'], 2: [BAD_ENDPOINT] }));
    await applier.idle();
    const warnings = lines.filter(({ level }) => level === 'warn');
    expect(warnings).toEqual([
      {
        level: 'warn',
        message: `the kernel refused the rules of ${keyOf(2)}; its Service stays as it was, the others are written`,
        fields: { family: 'IPv4', reason: expect.stringMatching(/^refused: /) },
      },
    ]);
    expect(synced).toHaveLength(1);
  });
});

describe('stopping', () => {
  test('finishes the sync under way, closes the drivers and leaves the rules and no timer', async () => {
    const { applier, clock, four, six } = startApplier();
    const write = gate();
    four.gate = write.promise;
    applier.update(ONE);
    applier.update(TWO);
    const stopped = applier.stop();
    await settle();
    expect(four.closed).toBe(false);
    write.open();
    await stopped;
    expect([four.closed, six.closed]).toEqual([true, true]);
    expect(plainRules(four.rules)).toEqual(plainRules(rulesFor(ONE)));
    expect(clock.pendingMs).toEqual([]);
    applier.update(TWO);
    await clock.advance(2 * HOUR_MS);
    expect(four.attempts).toBe(1);
  });

  test('works before anything happened, and in the middle of retries', async () => {
    const { applier, clock, four } = startApplier();
    four.failures.push(failure('command-failed'));
    applier.update(ONE);
    await settle();
    await applier.stop();
    expect([clock.pendingMs, four.closed]).toEqual([[], true]);
    await startApplier().applier.stop();
  });
});

describe('warnings', () => {
  /** Two Services that want the same external address; the second one only if `both`. */
  function quarrel(both: boolean): SyncInputs {
    const port = (name: string, n: number, parts = {}) =>
      servicePort({ service: `default/${name}`, clusterIps: [ip(`10.96.0.${n}`)], createdAtMs: n, ...parts });
    const external = { externalIps: [ip('192.0.2.1')] };
    const ports = [port('old', 1, external), port('young', 2, both ? external : {})];
    return { ...ONE, snapshot: snapshotOf(ports.map((one) => [one, []])) };
  }

  test('of a conflict are given once for as long as it lasts', async () => {
    const { applier, messages } = startApplier();
    for (const both of [true, true, false, true]) {
      applier.update(quarrel(both));
      await applier.idle();
    }
    const warning =
      '192.0.2.1:80/tcp is claimed by default/old:http/tcp and default/young:http/tcp: the older, default/old:http/tcp, gets it';
    expect(messages('warn')).toEqual([warning, warning]);
  });

  test('of the settings are given once', async () => {
    const { applier, messages } = startApplier();
    const node = { ...ONE.node, podCidrs: [] };
    for (const inputs of [ONE, TWO, ONE]) {
      applier.update({ ...inputs, node });
      await applier.idle();
    }
    expect(messages('warn')).toEqual([
      expect.stringMatching(/^IPv4: no pod network is known/),
      expect.stringMatching(/^IPv6: no pod network is known/),
    ]);
  });
});

test('the next sync waits for whoever is told of this one', async () => {
  const told = gate();
  const { applier, four } = startApplier({ onSynced: () => told.promise });
  applier.update(ONE);
  await settle();
  applier.update(TWO);
  await settle();
  expect(four.applied).toHaveLength(1);
  told.open();
  await applier.idle();
  expect(four.applied).toHaveLength(2);
});
