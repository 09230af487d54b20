import { expect, test } from 'vitest';
import { settle } from '../../support/fake-clock.ts';
import { failure, gate, HOUR_MS, ONE, startApplier, TWO } from '../../support/applier-world.ts';
import { plainRules, touchedBy } from '../../support/rule-sets.ts';
import { rulesFor } from '../../support/sync-inputs.ts';

test('verification compares with the kernel every so often, changes or not', async () => {
  const { applier, clock, four } = startApplier();
  applier.update(ONE);
  for (const inputs of [TWO, ONE, TWO]) {
    await clock.advance(HOUR_MS / 4);
    applier.update(inputs);
  }
  await clock.advance(HOUR_MS / 4 - 1);
  expect([four.inspections, four.reads, four.applied.length]).toEqual([0, 1, 4]);
  four.rules = four.rules.delete('chain nat-output');
  await clock.advance(1);
  await applier.verified();
  expect([four.inspections, plainRules(four.rules)]).toEqual([1, plainRules(rulesFor(TWO))]);
  await clock.advance(2 * HOUR_MS);
  expect([four.inspections, four.reads, four.applied.length]).toEqual([3, 1, 5]);
});

test('verification without a period looks when there is a reason only', async () => {
  const { applier, clock, four } = startApplier({ verifyPeriodMs: 0 });
  applier.update(ONE);
  await clock.advance(100 * HOUR_MS);
  expect([four.inspections, four.applied.length]).toEqual([0, 1]);
  four.rules = four.rules.delete('chain nat-output');
  applier.suspect('IPv4', 'nft');
  await applier.verified();
  expect([four.inspections, plainRules(four.rules)]).toEqual([1, plainRules(rulesFor(ONE))]);
});

test('verification does not hold up changes, which are no drift', async () => {
  const { applier, four, messages } = startApplier();
  await applier.syncOnce(ONE);
  const look = gate();
  four.inspectionGate = look.promise;
  const complete = four.rules;
  four.rules = complete.delete('chain nat-output');
  applier.verify();
  await settle();
  // The fake would not let a change through that leaves something else wrong.
  four.rules = complete;
  applier.update(TWO);
  await applier.idle();
  expect(four.applied).toHaveLength(2);
  four.rules = four.rules.delete('chain nat-output');
  look.open();
  await applier.verified();
  expect(four.accepted.map(touchedBy)).toEqual([['chain nat-output']]);
  expect(four.applied.slice(2).map(touchedBy)).toEqual([['chain nat-output']]);
  expect(plainRules(four.rules)).toEqual(plainRules(rulesFor(TWO)));
  expect(messages('warn')).toEqual(['somebody else changed rules of ours; they are right again']);
});

test('verification that begins during a write does not take it for drift', async () => {
  const { applier, four } = startApplier();
  await applier.syncOnce(ONE);
  const [write, look] = [gate(), gate()];
  four.gate = write.promise;
  four.inspectionGate = look.promise;
  applier.update(TWO);
  await settle();
  applier.verify();
  await settle();
  write.open();
  await applier.idle();
  look.open();
  await applier.verified();
  expect([four.inspections, four.accepted.length, four.applied.length]).toEqual([1, 0, 2]);
});

test('verification names who is suspected, repairs only what differs and does not look again at once', async () => {
  const { applier, clock, four, six, lines } = startApplier();
  await applier.syncOnce(TWO);
  four.rules = four.rules.delete('chain nat-output').delete('set hairpin');
  applier.suspect('IPv4', 'nft (process 12)');
  await applier.verified();
  expect([four.inspections, six.inspections]).toEqual([1, 0]);
  expect(four.applied.slice(1).map(touchedBy)).toEqual([['chain nat-output', 'set hairpin']]);
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([
    {
      level: 'warn',
      message: 'nft (process 12) changed rules of ours; they are right again',
      fields: { family: 'IPv4', repaired: 2 },
    },
  ]);
  await clock.advance(1000);
  applier.suspect('IPv4', 'iptables');
  await applier.verified();
  expect([four.inspections, four.applied.length]).toEqual([2, 2]);
});

test('verification that never gets done ends with the changes held back, if there is a suspicion', async () => {
  const { applier, clock, four, six } = startApplier();
  await applier.syncOnce(ONE);
  for (const driver of [four, six]) {
    driver.inspectionFailures.push(...Array.from({ length: 3 }, () => failure('command-timeout')));
  }
  four.rules = four.rules.delete('chain nat-output');
  applier.verify();
  applier.suspect('IPv4', 'nft');
  await clock.advance(10_000);
  await applier.verified();
  expect([four.inspections, four.reads, six.inspections, six.reads]).toEqual([3, 2, 3, 1]);
  expect(plainRules(four.rules)).toEqual(plainRules(rulesFor(ONE)));
});

test('verification ends with the applier', async () => {
  const { applier, clock, four } = startApplier();
  await applier.syncOnce(ONE);
  await applier.stop();
  applier.suspect('IPv4', 'nft');
  await clock.advance(2 * HOUR_MS);
  expect([four.inspections, clock.pendingMs]).toEqual([0, []]);
});

test('verification before there is anything to compare with does nothing', async () => {
  const { applier, four } = startApplier();
  applier.verify();
  await applier.idle();
  expect(four.reads).toBe(0);
});
