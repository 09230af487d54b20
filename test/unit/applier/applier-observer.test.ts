import { expect, test } from 'vitest';
import type { SyncObserver } from '../../../src/applier/applier.ts';
import { Applier } from '../../../src/applier/applier.ts';
import type { FlowCleaner, FlowReport } from '../../../src/applier/family-sync.ts';
import { nftSpelling } from '../../../src/backend/nft/render.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeDriver } from '../../support/fake-driver.ts';
import { inputsFor } from '../../support/sync-inputs.ts';

const ONE = inputsFor({ 1: ['10.1.0.1'] });

/** Remembers what it was told, in order. */
class Told implements SyncObserver {
  readonly words: string[] = [];
  queued = (family: string): void => void this.words.push(`queued ${family}`);
  started = (): void => void this.words.push('started');
  finished = (): void => void this.words.push('finished');
  familySynced: SyncObserver['familySynced'] = ({ family, full }) => {
    this.words.push(`${family} ${full ? 'read and written' : 'written'}`);
  };
  familyFailed: SyncObserver['familyFailed'] = ({ family, error }) => void this.words.push(`${family} ${error.code}`);
}

function start(flows?: FlowCleaner) {
  const clock = new FakeClock();
  const driver = new FakeDriver();
  const observer = new Told();
  const applier = new Applier({
    spelling: nftSpelling,
    drivers: new Map([['IPv4', driver]]),
    clock,
    log: silentLog,
    minSyncPeriodMs: 0,
    verifyPeriodMs: 3_600_000,
    observer,
    ...(flows === undefined ? {} : { flows }),
  });
  return { applier, clock, driver, observer };
}

test('an observer is told of each step, in order', async () => {
  const { applier, observer } = start();
  applier.update(ONE);
  await applier.idle();
  applier.update(inputsFor({ 1: ['10.1.0.1'], 2: ['10.1.0.2'] }));
  await applier.idle();
  expect(observer.words).toEqual([
    'queued IPv4',
    'started',
    'IPv4 read and written',
    'finished',
    'queued IPv4',
    'started',
    'IPv4 written',
    'finished',
  ]);
});

test('flows are noted before the write and cleaned after it, and again when that failed', async () => {
  const steps: string[] = [];
  const failure = new SluiceError({ code: 'command-timeout', message: 'too slow' });
  const outcomes: FlowReport[] = [
    { deleted: 0, ms: 1, failure },
    { deleted: 3, ms: 1 },
  ];
  const { applier, clock } = start({
    note: ({ plan }) => void steps.push(`note ${plan.services.size}`),
    clean: (family) => {
      steps.push(`clean ${family}`);
      return Promise.resolve(outcomes.shift() ?? { deleted: 0, ms: 0 });
    },
  });
  applier.update(ONE);
  await applier.idle();
  expect(steps).toEqual(['note 1', 'clean IPv4']);
  await clock.advance(10_000);
  await applier.idle();
  expect(steps).toEqual(['note 1', 'clean IPv4', 'note 1', 'clean IPv4']);
  await clock.advance(60_000);
  expect(steps).toHaveLength(4);
});

test('flows are not cleaned after a write that failed', async () => {
  const steps: string[] = [];
  const { applier, driver, observer } = start({
    note: () => void steps.push('note'),
    clean: () => {
      steps.push('clean');
      return Promise.resolve({ deleted: 0, ms: 0 });
    },
  });
  driver.failures.push(new SluiceError({ code: 'command-failed', message: 'no' }));
  await expect(applier.syncOnce(ONE)).rejects.toThrow('no');
  expect(steps).toEqual(['note']);
  expect(observer.words).toEqual(['started', 'IPv4 command-failed']);
});
