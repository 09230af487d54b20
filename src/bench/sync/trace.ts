import type { SyncObserver } from '../../applier/applier.ts';
import type { FamilyReport } from '../../applier/family-sync.ts';
import type { Driver } from '../../backend/contract.ts';
import type { ChangeSet, RuleObject } from '../../backend/rules.ts';
import { SluiceError } from '../../base/errors.ts';
import type { ChildWatch } from './child-watch.ts';
import type { Sample } from './sample.ts';

/** The sync under way, by `performance.now()`. */
interface Moments {
  readMs: number;
  /** When the driver was asked to write, if it was. */
  applyMs: number | undefined;
}

/** Of all syncs of one operation; stages in milliseconds. */
interface Tally {
  read: number;
  encode: number;
  write: number;
  acknowledge: number;
  bytes: number;
  syncs: number;
  /** When the last one was acknowledged; what the applier does then is no part of it. */
  endMs: number;
  readonly written: ChangeSet[];
  failure: SluiceError | undefined;
}

function newTally(): Tally {
  return {
    read: 0,
    encode: 0,
    write: 0,
    acknowledge: 0,
    bytes: 0,
    syncs: 0,
    endMs: 0,
    written: [],
    failure: undefined,
  };
}

/** Rules and elements that come, go or are replaced. A chain that changes is written as a whole. */
function rulesIn({ objects, members }: ChangeSet): number {
  let rules = 0;
  for (const { before, after } of objects) rules += Math.max(sizeOf(before), sizeOf(after));
  for (const { before, after } of members) rules += Math.max(1, before?.length ?? 0, after?.length ?? 0);
  return rules;
}

function sizeOf(object: RuleObject | undefined): number {
  if (object === undefined) return 0;
  if (object.ordered) return object.lines.length;
  let size = 0;
  object.members.forEach((lines) => {
    size += Math.max(1, lines.length);
  });
  return size;
}

/** Splits syncs into stages from outside: by what the applier says, when the driver is called, and when children are fed. */
export class SyncTrace implements SyncObserver {
  /** Told of every sync's start and end. */
  onSync: ((moment: 'started' | 'finished') => void) | undefined;
  readonly #children: ChildWatch;
  #moments: Moments = { readMs: 0, applyMs: undefined };
  #tally = newTally();

  constructor(children: ChildWatch) {
    this.#children = children;
  }

  /** Looks at the clock whenever this driver is called. */
  attach(driver: { -readonly [Key in keyof Driver]: Driver[Key] }): void {
    const read = driver.read.bind(driver);
    const apply = driver.apply.bind(driver);
    driver.read = async () => {
      const startMs = performance.now();
      const rules = await read();
      this.#moments.readMs += performance.now() - startMs;
      return rules;
    };
    driver.apply = (change, wanted) => {
      this.#moments.applyMs = performance.now();
      this.#children.forget();
      this.#tally.written.push(change);
      return apply(change, wanted);
    };
    const { slices } = driver;
    if (slices === undefined) return;
    driver.slices = {
      ...slices,
      prepare: (change, wanted) => {
        this.#tally.written.push(change);
        return slices.prepare(change, wanted);
      },
    };
  }

  /**
   * One operation, from the call to the kernel's acknowledgement. What the syncs of it do not explain is counted as
   * `compile`: the events' way into the snapshot, and waiting for one's turn.
   *
   * @param beforeMs what the operation took before this call.
   * @throws {SluiceError} when a sync failed: there is nothing to measure then.
   */
  async measure(beforeMs: number, work: () => Promise<unknown>): Promise<Sample> {
    const tally = newTally();
    this.#tally = tally;
    const startMs = performance.now();
    await work();
    this.#tally = newTally(); // What was written is not to be kept: memory is measured, too.
    const totalMs = tally.endMs - startMs + beforeMs;
    const { read, encode, write, acknowledge, bytes, syncs, written, failure } = tally;
    if (failure !== undefined) throw failure;
    if (syncs === 0) throw new SluiceError({ code: 'internal', message: 'no sync took place to measure' });
    const compile = Math.max(0, totalMs - read - encode - write - acknowledge);
    const stagesMs = { compile, read, encode, write, acknowledge };
    const changes = written.reduce((sum, change) => sum + rulesIn(change), 0);
    return { totalMs, stagesMs, ownMs: compile + encode, syncs, bytes, changes };
  }

  /** One operation that only reads. @throws {SluiceError} `internal` when something was written. */
  async measureReading(work: () => Promise<unknown>): Promise<Sample> {
    const tally = newTally();
    this.#tally = tally;
    const startMs = performance.now();
    await work();
    const totalMs = performance.now() - startMs;
    this.#tally = newTally();
    if (tally.syncs > 0) throw new SluiceError({ code: 'internal', message: 'what was only to be read was written' });
    const stagesMs = { compile: 0, read: totalMs, encode: 0, write: 0, acknowledge: 0 };
    return { totalMs, stagesMs, ownMs: 0, syncs: 0, bytes: 0, changes: 0 };
  }

  queued(): void {
    // Only what is done is of interest.
  }

  started(): void {
    this.#moments = { readMs: 0, applyMs: undefined };
    this.onSync?.('started');
  }

  familySynced(report: FamilyReport): void {
    const endMs = performance.now();
    const { readMs, applyMs } = this.#moments;
    const compiledMs = report.startedMs + report.compileMs;
    const tally = this.#tally;
    tally.syncs++;
    tally.endMs = endMs;
    tally.bytes += report.written;
    const [refusal] = report.refused;
    if (refusal !== undefined) this.#tally.failure ??= refusal.error;
    if (report.overlapped) {
      tally.read += report.readMs;
      tally.encode += report.renderMs;
      tally.acknowledge += endMs - report.startedMs - report.compileMs - report.renderMs - report.readMs;
      return;
    }
    tally.read += readMs;
    if (applyMs === undefined) {
      tally.encode += endMs - compiledMs - readMs;
      return;
    }
    // A driver that needs no child is given its bytes when it is called, and has them at once.
    const { offeredMs = applyMs, takenMs = offeredMs } = this.#children.marks;
    tally.encode += offeredMs - compiledMs - readMs;
    tally.write += takenMs - offeredMs;
    tally.acknowledge += endMs - takenMs;
  }

  familyFailed({ error }: { readonly error: SluiceError }): void {
    this.#tally.failure ??= error;
  }

  finished(): void {
    this.onSync?.('finished');
  }
}
