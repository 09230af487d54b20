import type { Clock } from '../base/clock.ts';
import { SluiceError, toSluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { conflictsOf, warningsOf } from '../compiler/compile.ts';
import type { Driver } from '../backend/contract.ts';
import type { Spelling } from '../backend/assembly.ts';
import type { IpFamily } from '../model/address.ts';
import type { SyncInputs } from './family-state.ts';
import type { FamilyReport, FlowCleaner } from './family-sync.ts';
import { FamilySync } from './family-sync.ts';
import { Scheduler } from './scheduler.ts';
import { Verifier } from './verifier.ts';

/** Is told how syncing goes, for metrics and health. Methods return at once and do not throw. */
export interface SyncObserver {
  /** Something has to be written for this family. */
  queued(family: IpFamily): void;
  /** Everything that was queued so far is in the sync that begins. */
  started(): void;
  familySynced(report: FamilyReport): void;
  familyFailed(failure: { readonly family: IpFamily; readonly error: SluiceError }): void;
  /** All families are written. */
  finished(): void;
}

/** Tells the second, of what it wants to know, after the first. */
export function bothObservers(
  first: SyncObserver,
  second: Pick<SyncObserver, 'familySynced' | 'finished'>,
): SyncObserver {
  return {
    queued: (family) => first.queued(family),
    started: () => first.started(),
    familySynced(report) {
      first.familySynced(report);
      second.familySynced(report);
    },
    familyFailed: (failure) => first.familyFailed(failure),
    finished() {
      first.finished();
      second.finished();
    },
  };
}

export interface ApplierOptions {
  readonly spelling: Spelling;
  readonly drivers: ReadonlyMap<IpFamily, Driver>;
  readonly clock: Clock;
  readonly log: Log;
  /** Least time between two syncs; 0 syncs at once. */
  readonly minSyncPeriodMs: number;
  /** How often the kernel is compared with what should be there, changes or not; 0 leaves that to {@link Applier.suspect}. */
  readonly verifyPeriodMs: number;
  readonly observer?: SyncObserver;
  readonly flows?: FlowCleaner;
  /** Called after every successful sync and waited for: the next one starts after it. Must not throw. */
  readonly onSynced?: (reports: readonly FamilyReport[]) => void | Promise<void>;
}

/** After stale flows could not be deleted. */
const FLOW_RETRY_MS = 10_000;

const BACKOFF = { firstMs: 100, maxMs: 30_000 };

/**
 * The only writer of rules. Takes whatever the sources know last, as often as they like, and brings the kernel there: the
 * first change at once, changes during a write together after it.
 */
export class Applier {
  readonly #options: ApplierOptions;
  readonly #families: readonly FamilySync[];
  readonly #scheduler: Scheduler;
  readonly #warned = new Set<string>();
  #inputs: SyncInputs | undefined;
  readonly #verifier: Verifier;
  #cancelFlowRetry: (() => void) | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
    const { spelling, clock, log, flows } = options;
    this.#families = [...options.drivers].map(
      ([family, driver]) =>
        new FamilySync({ family, driver, spelling, clock, ...(flows === undefined ? {} : { flows }) }),
    );
    this.#scheduler = new Scheduler({
      run: async () => {
        await this.#sync();
      },
      clock,
      minIntervalMs: options.minSyncPeriodMs,
      backoff: BACKOFF,
      onFailure: (thrown, retryInMs) => {
        const error = toSluiceError(thrown);
        log.error(`sync failed: ${error.message}`, { code: error.code, hint: error.hint, retryInMs, ...error.data });
      },
    });
    this.#verifier = new Verifier({
      families: this.#families,
      clock,
      log,
      periodMs: options.verifyPeriodMs,
      requestSync: () => this.#scheduler.request(),
    });
  }

  /** The newest state of the cluster; supersedes what was not written yet. */
  update(inputs: SyncInputs): void {
    this.#inputs = inputs;
    for (const family of this.#options.drivers.keys()) this.#options.observer?.queued(family);
    this.#scheduler.request();
  }

  /** Compare with the kernel and repair what differs, soon. Changes go on meanwhile. */
  verify(): void {
    this.#verifier.verify();
  }

  /** The same for one family, because somebody else wrote to its rules. @param who for people: `nft (process 123)`. */
  suspect(family: IpFamily, who: string): void {
    this.#verifier.suspect(family, who);
  }

  /** One sync of the newest state now, for commands that end after it. @throws {SluiceError} instead of trying again. */
  syncOnce(inputs: SyncInputs): Promise<readonly FamilyReport[]> {
    this.#inputs = inputs;
    return this.#sync();
  }

  /** Resolves when everything known is written. */
  idle(): Promise<void> {
    return this.#scheduler.idle();
  }

  /** Resolves when what was to be compared with the kernel is, and what differed is repaired. */
  async verified(): Promise<void> {
    await this.#verifier.idle();
    await this.#scheduler.idle();
  }

  /** Finishes the sync under way; rules stay. */
  async stop(): Promise<void> {
    this.#verifier.stop();
    await this.#scheduler.stop();
    this.#cancelFlowRetry?.();
    await Promise.all([...this.#options.drivers.values()].map((driver) => driver.close()));
  }

  async #sync(): Promise<readonly FamilyReport[]> {
    const inputs = this.#inputs;
    if (inputs === undefined) return [];
    const { observer, log } = this.#options;
    observer?.started();
    const reports: FamilyReport[] = [];
    let failure: SluiceError | undefined;
    // A family that cannot be written does not hold up the other.
    for (const family of this.#families) {
      try {
        const report = await family.sync(inputs);
        reports.push(report);
        observer?.familySynced(report);
      } catch (thrown) {
        family.distrust();
        const error = toSluiceError(thrown);
        observer?.familyFailed({ family: family.family, error });
        if (failure === undefined) failure = inFamily(error, family.family);
        else
          log.error(`sync failed: ${error.message}`, {
            code: error.code,
            hint: error.hint,
            ...inFamily(error, family.family).data,
          });
      }
    }
    for (const report of reports) this.#tell(report);
    this.#warn();
    if (failure !== undefined) throw failure;
    observer?.finished();
    if (reports.some(({ flows }) => flows?.failure !== undefined)) this.#retryFlows();
    this.#verifier.start();
    await this.#options.onSynced?.(reports);
    return reports;
  }

  #retryFlows(): void {
    this.#cancelFlowRetry?.();
    this.#cancelFlowRetry = this.#options.clock.after(FLOW_RETRY_MS, () => this.#scheduler.request());
  }

  #tell(report: FamilyReport): void {
    const { log } = this.#options;
    const { family, changes, services, full, repaired, refused } = report;
    const round = (ms: number): number => Math.round(ms * 100) / 100;
    const facts = {
      family,
      changes,
      services,
      compileMs: round(report.compileMs),
      renderMs: round(report.renderMs),
      writeMs: round(report.writeMs),
    };
    if (repaired > 0) {
      const who = this.#verifier.takeSuspect(family) ?? 'somebody else';
      log.warn(`${who} changed rules of ours; they are right again`, { family, repaired });
    }
    // A busy cluster changes many times a second.
    if (full && changes > 0) log.info('rules written', facts);
    else log.debug(changes > 0 ? 'rules written' : 'rules are up to date', facts);
    for (const { key, error } of refused) {
      log.warn(`the kernel refused the rules of ${key}; its Service stays as it was, the others are written`, {
        family,
        reason: error.message,
        ...error.data,
      });
    }
  }

  /** Settings and conflicts that an operator should know, each said once for as long as it lasts. */
  #warn(): void {
    const current = new Set<string>();
    for (const { compilation } of this.#families) {
      if (compilation === undefined) continue;
      for (const warning of warningsOf(compilation.inputs)) current.add(warning);
      for (const { destination, winner, loser } of conflictsOf(compilation)) {
        current.add(`${destination} is claimed by ${winner} and ${loser}: the older, ${winner}, gets it`);
      }
    }
    for (const warning of current) if (!this.#warned.has(warning)) this.#options.log.warn(warning);
    for (const warning of this.#warned) if (!current.has(warning)) this.#warned.delete(warning);
    for (const warning of current) this.#warned.add(warning);
  }
}

/** The same error, with the family that it is about. */
function inFamily({ code, message, hint, cause, data }: SluiceError, family: IpFamily): SluiceError {
  return new SluiceError({ code, message, ...(hint === undefined ? {} : { hint }), cause, data: { ...data, family } });
}
