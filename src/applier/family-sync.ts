import type { Spelling } from '../backend/assembly.ts';
import type { Driver } from '../backend/contract.ts';
import type { RuleSet } from '../backend/rules.ts';
import type { Clock } from '../base/clock.ts';
import type { SluiceError } from '../base/errors.ts';
import type { Compilation, CompileInputs } from '../compiler/compile.ts';
import type { Plan } from '../compiler/plan.ts';
import type { IpFamily } from '../model/address.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { Progress, SyncInputs } from './family-state.ts';
import { FamilyState } from './family-state.ts';
import { firstSync } from './first-sync.ts';
import { recover } from './recovery.ts';

/** What the search for stale flows did. */
export interface FlowReport {
  readonly deleted: number;
  readonly ms: number;
  /** Why it did not come to an end; what is left is due at the next sync. */
  readonly failure?: SluiceError;
}

/** Cuts flows that the kernel would keep sending to endpoints that are gone; see {@link file://./stale-flows.ts}. */
export interface FlowCleaner {
  note(state: { readonly plan: Plan; readonly endpoints: CompileInputs['snapshot']['endpoints'] }): void;
  clean(family: IpFamily): Promise<FlowReport>;
}

export interface FamilySyncOptions {
  readonly family: IpFamily;
  readonly spelling: Spelling;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly flows?: FlowCleaner;
}

/** What one sync of one family did. */
export interface FamilyReport {
  readonly family: IpFamily;
  /** Objects and members that were written; 0 when the kernel was right already. */
  readonly changes: number;
  /** Of what the kernel held, objects and members that others had changed and that are right again. */
  readonly repaired: number;
  /** Characters that the backend's tools were fed. */
  readonly written: number;
  readonly services: number;
  /** The kernel's rules were read first: at the start, for a verification, after a failure. */
  readonly full: boolean;
  /** What the rules were made of. */
  readonly plan: Plan;
  /** What the kernel holds now. */
  readonly rules: RuleSet;
  /** Every service port that is left as it was because the kernel refuses its rules. */
  readonly quarantined: number;
  /** Destinations that more than one Service claims. */
  readonly conflicts: number;
  readonly flows?: FlowReport;
  /** Service ports that the kernel refused in this sync, with its words. */
  readonly refused: readonly { readonly key: ServicePortKey; readonly error: SluiceError }[];
  /** When this sync began, by the clock. */
  readonly startedMs: number;
  /** The tool was at work while rules were compiled and spelled: what follows is what this process did itself, and what it only waited for. */
  readonly overlapped: boolean;
  readonly compileMs: number;
  /** Spelling, and where it overlaps with the tool's work comparing and encoding as well. */
  readonly renderMs: number;
  /** From the first byte written (or read, when the kernel's state was unknown) to the acknowledgement. */
  readonly writeMs: number;
  /** Of it, reading; told apart only where things overlap. */
  readonly readMs: number;
}

/** Keeps the rules of one family in step with the cluster. Calls must not overlap. */
export class FamilySync {
  readonly #options: FamilySyncOptions;
  readonly #state: FamilyState;

  constructor(options: FamilySyncOptions) {
    this.#options = options;
    this.#state = new FamilyState(options);
  }

  get family(): IpFamily {
    return this.#options.family;
  }

  get compilation(): Compilation | undefined {
    return this.#state.compilation;
  }

  /** Service ports left as they were because the kernel refused their rules. */
  get quarantined(): readonly ServicePortKey[] {
    return this.#state.quarantine.keys;
  }

  /** Makes the next sync look at the kernel and give refused Services another chance. */
  distrust(): void {
    this.#state.kernel.forget();
    this.retryRefused();
  }

  /** Gives refused Services another chance with the next sync. @returns whether there are any. */
  retryRefused(): boolean {
    const { quarantine } = this.#state;
    const any = quarantine.keys.length > 0;
    quarantine.clear();
    return any;
  }

  /**
   * Compares the kernel with what was written, beside syncs that go on. @returns whether the next sync has something to
   * repair. @throws {SluiceError} when the rules could not be read.
   */
  inspect(): Promise<boolean> {
    return this.#state.kernel.inspect();
  }

  /**
   * Writes what differs, in one transaction; a first load where the driver likes slices in several, each of which completes
   * some Services.
   *
   * @throws {SluiceError} when the rules could not be read or written; the next sync starts from the kernel's real state.
   */
  async sync(inputs: SyncInputs): Promise<FamilyReport> {
    const { clock, family, driver } = this.#options;
    const state = this.#state;
    const startedMs = clock.now();
    const full = state.kernel.unknown;
    const writtenBefore = state.written;
    const progress: Progress = { changes: 0, compileMs: 0, renderMs: 0, readMs: 0, refused: [] };
    const slices = state.isNew ? driver.slices : undefined;
    const plan =
      slices === undefined
        ? await this.#follow(inputs, progress)
        : await firstSync(state, { inputs, slices, progress });
    const writeMs = clock.now() - startedMs - progress.compileMs - progress.renderMs;
    const flows = await this.#options.flows?.clean(family);
    return {
      ...progress,
      family,
      repaired: state.kernel.takeRepaired(),
      written: state.written - writtenBefore,
      services: plan.services.size,
      full,
      plan,
      rules: state.kernel.rules ?? state.assemble(plan),
      quarantined: state.quarantine.keys.length,
      conflicts: state.compilation?.claims.contested.size ?? 0,
      ...(flows === undefined ? {} : { flows }),
      startedMs,
      writeMs,
      overlapped: slices !== undefined,
    };
  }

  /** What changed since the last sync, compiled before anything is written. @returns what it is to end in. */
  async #follow(inputs: SyncInputs, progress: Progress): Promise<Plan> {
    const state = this.#state;
    const plan = state.compile(inputs, progress);
    state.assemble(plan, progress);
    state.note(plan, inputs);
    try {
      progress.changes += await state.write(plan);
    } catch (thrown) {
      await recover(state, { plan, thrown, progress });
    }
    return plan;
  }
}
