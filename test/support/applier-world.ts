import type { ApplierOptions } from '../../src/applier/applier.ts';
import { Applier } from '../../src/applier/applier.ts';
import type { FamilyReport } from '../../src/applier/family-sync.ts';
import { nftSpelling } from '../../src/backend/nft/render.ts';
import type { ErrorCode } from '../../src/base/errors.ts';
import { SluiceError } from '../../src/base/errors.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeDriver } from './fake-driver.ts';
import { recordingLog } from './recording-log.ts';
import { inputsFor } from './sync-inputs.ts';

export const HOUR_MS = 3_600_000;

/** An applier of both families in a world of fakes. */
export function startApplier(parts: Partial<ApplierOptions> = {}) {
  const clock = new FakeClock();
  const { log, lines, messages } = recordingLog();
  const four = new FakeDriver();
  const six = new FakeDriver();
  const synced: (readonly FamilyReport[])[] = [];
  const applier = new Applier({
    spelling: nftSpelling,
    drivers: new Map([
      ['IPv4', four],
      ['IPv6', six],
    ]),
    clock,
    log,
    minSyncPeriodMs: 0,
    verifyPeriodMs: HOUR_MS,
    onSynced: (reports) => void synced.push(reports),
    ...parts,
  });
  return { applier, clock, four, six, synced, lines, messages };
}

export function failure(code: ErrorCode): SluiceError {
  return new SluiceError({ code, message: 'the tool failed', hint: 'do something', data: { file: 'nft' } });
}

/** A promise that the test settles. */
export function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

export const ONE = inputsFor({ 1: ['10.1.0.1', 'fd00:1::1'] });
export const TWO = inputsFor({ 1: ['10.1.0.1', 'fd00:1::1'], 2: ['10.1.0.2', 'fd00:1::2'] });
