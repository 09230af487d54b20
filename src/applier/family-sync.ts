import type { Assembly, Piece, Spelling } from '../backend/assembly.ts';
import { assemble } from '../backend/assembly.ts';
import type { Driver } from '../backend/contract.ts';
import type { RuleSet } from '../backend/rules.ts';
import { equalData } from '../base/equal.ts';
import type { Clock } from '../base/clock.ts';
import { toSluiceError } from '../base/errors.ts';
import type { SluiceError } from '../base/errors.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import { diffMaps } from '../base/persistent-map.ts';
import type { Compilation, CompileInputs } from '../compiler/compile.ts';
import { compile } from '../compiler/compile.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { IpFamily } from '../model/address.ts';
import type { ServicePortKey } from '../model/service.ts';
import { Belief } from './belief.ts';
import { Quarantine } from './quarantine.ts';

export type SyncInputs = Omit<CompileInputs, 'family'>;

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
  readonly compileMs: number;
  readonly renderMs: number;
  /** From the first byte written (or read, when the kernel's state was unknown) to the acknowledgement. */
  readonly writeMs: number;
}

/** Keeps the rules of one family in step with the cluster. Calls must not overlap. */
export class FamilySync {
  readonly #options: FamilySyncOptions;
  readonly #quarantine = new Quarantine();
  #compilation: Compilation | undefined;
  #assembly: Assembly | undefined;
  readonly #kernel: Belief;
  #written = 0;
  /** The plan that was written last. */
  #appliedPlan: Plan | undefined;

  constructor(options: FamilySyncOptions) {
    this.#options = options;
    this.#kernel = new Belief(options.driver);
  }

  get family(): IpFamily {
    return this.#options.family;
  }

  get compilation(): Compilation | undefined {
    return this.#compilation;
  }

  /** Service ports left as they were because the kernel refused their rules. */
  get quarantined(): readonly ServicePortKey[] {
    return this.#quarantine.keys;
  }

  /** Makes the next sync look at the kernel and give refused Services another chance. */
  distrust(): void {
    this.#kernel.forget();
    this.retryRefused();
  }

  /** Gives refused Services another chance with the next sync. @returns whether there are any. */
  retryRefused(): boolean {
    const any = this.#quarantine.keys.length > 0;
    this.#quarantine.clear();
    return any;
  }

  /**
   * Compares the kernel with what was written, beside syncs that go on. @returns whether the next sync has something to
   * repair. @throws {SluiceError} when the rules could not be read.
   */
  inspect(): Promise<boolean> {
    return this.#kernel.inspect();
  }

  /**
   * Writes what differs, in one transaction.
   *
   * @throws {SluiceError} when the rules could not be read or written; the next sync starts from the kernel's real state.
   */
  async sync(inputs: SyncInputs): Promise<FamilyReport> {
    const { clock, family } = this.#options;
    const startedMs = clock.now();
    this.#compilation = compile({ ...inputs, family }, this.#compilation);
    const compiledMs = clock.now();
    const plan = this.#quarantine.filter(this.#compilation.plan);
    const wanted = this.#assemble(plan);
    const renderedMs = clock.now();
    const full = this.#kernel.unknown;
    this.#options.flows?.note({ plan, endpoints: inputs.snapshot.endpoints });
    const writtenBefore = this.#written;
    let changes = 0;
    const refused: { key: ServicePortKey; error: SluiceError }[] = [];
    try {
      changes = await this.#write(wanted, plan);
    } catch (thrown) {
      if (toSluiceError(thrown).code !== 'kernel-refused') throw thrown;
      changes = await this.#recover(plan, refused);
    }
    const writeMs = clock.now() - renderedMs;
    const rules = this.#kernel.rules ?? wanted;
    const flows = await this.#options.flows?.clean(family);
    return {
      family,
      changes,
      repaired: this.#kernel.takeRepaired(),
      written: this.#written - writtenBefore,
      services: plan.services.size,
      full,
      plan,
      rules,
      quarantined: this.#quarantine.keys.length,
      conflicts: this.#compilation.claims.contested.size,
      ...(flows === undefined ? {} : { flows }),
      refused,
      startedMs,
      compileMs: compiledMs - startedMs,
      renderMs: renderedMs - compiledMs,
      writeMs,
    };
  }

  #assemble(plan: Plan): RuleSet {
    this.#assembly = assemble(this.#options.spelling, plan, this.#assembly);
    return this.#assembly.rules;
  }

  /** @returns how much was written. Any failure makes the kernel's state unknown. */
  async #write(wanted: RuleSet, plan: Plan): Promise<number> {
    const { changes, written } = await this.#kernel.write(wanted);
    this.#written += written;
    this.#appliedPlan = plan;
    return changes;
  }

  /**
   * After a refusal: once more from the kernel's real state, because somebody may have changed it under us; then by
   * halves, to find the Services that cannot be written and write the others.
   */
  async #recover(plan: Plan, refused: { key: ServicePortKey; error: SluiceError }[]): Promise<number> {
    try {
      return await this.#write(this.#assemble(plan), plan);
    } catch (thrown) {
      if (toSluiceError(thrown).code !== 'kernel-refused') throw thrown;
    }
    const services =
      this.#appliedPlan?.services ?? inPlace(this.#options.spelling, plan, await this.#options.driver.read());
    const good: Plan = { ...plan, services };
    // When not even the rules without any change can be written, no Service is to blame.
    let changes = await this.#write(this.#assemble(good), good);
    const suspects: ServicePortKey[] = [];
    diffMaps(good.services, plan.services, (key) => suspects.push(key));
    let accepted = good;
    const attempt = async (keys: readonly ServicePortKey[]): Promise<void> => {
      const next = withServices(accepted, plan, keys);
      try {
        changes += await this.#write(this.#assemble(next), next);
        accepted = next;
      } catch (thrown) {
        const error = toSluiceError(thrown);
        if (error.code !== 'kernel-refused') throw error;
        const [only] = keys;
        if (keys.length > 1 || only === undefined) {
          await attempt(keys.slice(0, keys.length / 2));
          await attempt(keys.slice(keys.length / 2));
        } else {
          this.#quarantine.add(only, { refused: plan.services.get(only), kept: accepted.services.get(only) });
          refused.push({ key: only, error });
        }
      }
    };
    await attempt(suspects.sort());
    return changes;
  }
}

/** The Services of the plan whose rules the kernel has already, found by a process that remembers nothing. */
function inPlace(spelling: Spelling, plan: Plan, kernel: RuleSet): PersistentMap<ServicePlan> {
  const wanted = assemble(spelling, plan).rules;
  const has = ({ object, key, lines }: Piece): boolean => {
    const there = kernel.get(object);
    if (there === undefined) return false;
    return there.ordered ? equalData(there, wanted.get(object)) : equalData(there.members.get(key), lines);
  };
  return plan.services.update((draft) => {
    plan.services.forEach((service, key) => {
      if (!spelling.service(service, plan).every(has)) draft.delete(key);
    });
  });
}

/** `base` with the given Services as they are in `plan`. */
function withServices(base: Plan, plan: Plan, keys: readonly ServicePortKey[]): Plan {
  const services = base.services.update((draft) => {
    for (const key of keys) {
      const service = plan.services.get(key);
      if (service === undefined) draft.delete(key);
      else draft.set(key, service);
    }
  });
  return { ...base, services };
}
