import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Applier } from '../../../../src/applier/applier.ts';
import type { SyncInputs } from '../../../../src/applier/family-state.ts';
import { nftSpelling } from '../../../../src/backend/nft/render.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { SluiceError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { ChildWatch } from '../../../../src/bench/sync/child-watch.ts';
import { SyncTrace } from '../../../../src/bench/sync/trace.ts';
import { systemRunner } from '../../../../src/kernel/command.ts';
import { FakeDriver } from '../../../support/fake-driver.ts';
import { inputsFor } from '../../../support/sync-inputs.ts';

/** Feeds a child, as drivers do, and takes its time for everything. */
class SlowDriver extends FakeDriver {
  override async read(): ReturnType<FakeDriver['read']> {
    await sleep(20);
    return super.read();
  }

  override async apply(...change: Parameters<FakeDriver['apply']>): Promise<number> {
    await sleep(20);
    await systemRunner.run('sh', ['-c', 'cat; sleep 0.03'], { input: 'rules' });
    return super.apply(...change);
  }
}

const children = new ChildWatch();

beforeEach(() => children.open());
afterEach(() => children.close());

function traced(driver: FakeDriver): { trace: SyncTrace; applier: Applier } {
  const trace = new SyncTrace(children);
  trace.attach(driver);
  const drivers = new Map([['IPv4', driver]] as const);
  const settings = { clock: systemClock, log: silentLog, minSyncPeriodMs: 0, verifyPeriodMs: 1e6 };
  return { trace, applier: new Applier({ spelling: nftSpelling, drivers, observer: trace, ...settings }) };
}

const ONE: SyncInputs = inputsFor({ 1: ['10.1.0.1'] });

it('splits a sync into stages that add up to all of it', async () => {
  const { trace, applier } = traced(new SlowDriver());
  const { totalMs, stagesMs, ownMs, syncs, changes, bytes } = await trace.measure(5, () => applier.syncOnce(ONE));
  await applier.stop();
  const { compile, read, encode, write, acknowledge } = stagesMs;
  expect(compile + read + encode + write + acknowledge).toBeCloseTo(totalMs, 6);
  expect(ownMs).toBeCloseTo(compile + encode, 6);
  // What happened before is part of the first stage; timers may fire a millisecond early.
  for (const [stage, leastMs] of [
    [compile, 5],
    [read, 19],
    [encode, 19],
    [acknowledge, 29],
  ] as const) {
    expect(stage).toBeGreaterThanOrEqual(leastMs);
  }
  expect(write).toBeGreaterThan(0);
  expect(syncs).toBe(1);
  expect(changes).toBeGreaterThan(10);
  expect(bytes).toBeGreaterThan(0);
});

it('knows a sync that wrote nothing, and counts what a change changes', async () => {
  const { trace, applier } = traced(new FakeDriver());
  await applier.syncOnce(ONE);
  const nothing = await trace.measure(0, () => applier.syncOnce(ONE));
  expect([nothing.changes, nothing.bytes, nothing.stagesMs.write, nothing.stagesMs.acknowledge]).toEqual([0, 0, 0, 0]);
  const moved = await trace.measure(0, () => applier.syncOnce(inputsFor({ 1: ['10.1.0.2'] })));
  expect(moved.changes).toBe(1);
  await applier.stop();
});

it('adds up the syncs of one operation', async () => {
  const { trace, applier } = traced(new FakeDriver());
  const moments: string[] = [];
  trace.onSync = (moment) => void moments.push(moment);
  const { syncs, changes } = await trace.measure(0, async () => {
    applier.update(ONE);
    applier.update(inputsFor({ 1: ['10.1.0.1', '10.1.0.2'] }));
    await applier.idle();
  });
  await applier.stop();
  expect(syncs).toBe(2);
  expect(changes).toBeGreaterThan(0);
  expect(moments).toEqual(['started', 'finished', 'started', 'finished']);
});

it('measures nothing when a sync fails', async () => {
  const driver = new FakeDriver();
  const { trace, applier } = traced(driver);
  driver.failures.push(new SluiceError({ code: 'command-failed', message: 'nft is broken' }));
  await expect(trace.measure(0, () => applier.syncOnce(ONE))).rejects.toThrow('nft is broken');
  await applier.stop();
});
