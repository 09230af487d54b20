import { compareInSteps } from '../backend/compare.ts';
import type { Driver, Inspection, SliceWriter } from '../backend/contract.ts';
import type { ChangeSet, RuleSet } from '../backend/rules.ts';
import { applyChange, diffRuleSets, isEmptyChange, NO_CHANGES } from '../backend/rules.ts';
import { inSlices } from '../base/steps.ts';

export interface WriteResult {
  /** Objects and members that were written. */
  readonly changes: number;
  /** Characters that the tools were fed. */
  readonly written: number;
}

/** What an inspection found that nobody here wrote, as a change from what is believed to what is there. */
interface Findings {
  readonly inspection: Inspection;
  readonly drift: ChangeSet;
  /** Objects and members that were written since the inspection began. */
  readonly touched: ReadonlySet<string>;
}

/**
 * What we believe the kernel holds of one family. Every write starts from it and leads to the next; a failure throws it
 * away, and the next write reads. An inspection corrects it: then the next write repairs exactly what differs.
 */
export class Belief {
  readonly #driver: Driver;
  #rules: RuleSet | undefined;
  /** The last rules that were in the kernel for certain. */
  #last: RuleSet | undefined;
  /** Objects and members that a write under way, or one that failed, may have changed since {@link #last}. */
  readonly #unsure = new Set<string>();
  /** Objects and members that were written since the newest inspection began. */
  #touched: Set<string> | undefined;
  #findings: Findings | undefined;
  #repaired = 0;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  /** What the kernel holds, as far as is known. */
  get rules(): RuleSet | undefined {
    return this.#rules;
  }

  /** Whether the next write has to read first. */
  get unknown(): boolean {
    return this.#rules === undefined;
  }

  forget(): void {
    this.#rules = undefined;
  }

  /** What the kernel holds, read now unless it is known. @throws {SluiceError} as the driver does. */
  async look(): Promise<RuleSet> {
    this.#rules ??= await this.#read();
    return this.#rules;
  }

  /**
   * Spells a change that leads from what the kernel holds, or will hold after the write under way, to `wanted`.
   *
   * @returns what writes it, to be called after that write. It throws as {@link write} does.
   */
  stage(slices: SliceWriter, change: ChangeSet, wanted: RuleSet): () => Promise<WriteResult> {
    if (isEmptyChange(change)) return () => this.#put(change, wanted, () => Promise.resolve(0));
    const put = slices.prepare(change, wanted);
    return () => this.#put(change, wanted, put);
  }

  /** Brings the kernel to these rules. @throws {SluiceError} as the driver does; what the kernel holds is unknown then. */
  async write(wanted: RuleSet): Promise<WriteResult> {
    const known = this.#corrected();
    this.#rules = undefined;
    const before = known ?? (await this.#read());
    const change = diffRuleSets(before, wanted);
    return this.#put(change, wanted, async () => (isEmptyChange(change) ? 0 : this.#driver.apply(change, wanted)));
  }

  async #put(change: ChangeSet, wanted: RuleSet, put: () => Promise<number>): Promise<WriteResult> {
    this.#rules = undefined;
    for (const name of namesIn(change)) {
      this.#touched?.add(name);
      this.#unsure.add(name);
    }
    const written = await put();
    this.#rules = wanted;
    this.#last = wanted;
    this.#unsure.clear();
    return { changes: sizeOf(change), written };
  }

  /**
   * Looks at the kernel in the background; writes may go on meanwhile.
   *
   * @returns whether there is something for the next write to repair. Not before the first one, which reads anyway.
   * @throws {SluiceError} when the rules could not be read, which is so while they change faster than they are listed.
   */
  async inspect(): Promise<boolean> {
    if (this.#last === undefined) return false;
    const touched = new Set(this.#unsure);
    this.#touched = touched;
    const inspection = await this.#driver.inspect();
    const expected = this.#last;
    const drift = without(await inSlices(compareInSteps(expected, inspection.rules)), touched);
    // What an earlier inspection found and nobody has repaired yet is in here too.
    this.#findings = isEmptyChange(drift) ? undefined : { inspection, drift, touched };
    return this.#findings !== undefined;
  }

  /** Objects and members that others had changed and that are right again, since the last time somebody asked. */
  takeRepaired(): number {
    const repaired = this.#repaired;
    this.#repaired = 0;
    return repaired;
  }

  #corrected(): RuleSet | undefined {
    const findings = this.#findings;
    this.#findings = undefined;
    if (findings === undefined || this.#rules === undefined) return this.#rules;
    const drift = without(findings.drift, findings.touched);
    findings.inspection.accept(drift);
    this.#repaired += sizeOf(drift);
    return applyChange(this.#rules, drift);
  }

  async #read(): Promise<RuleSet> {
    const last = this.#last;
    const rules = await this.#driver.read();
    const drift = last === undefined ? NO_CHANGES : await inSlices(compareInSteps(last, rules));
    this.#repaired += sizeOf(without(drift, this.#unsure));
    this.#last = rules;
    return rules;
  }
}

function memberName(id: string, key: string): string {
  return `${id}\n${key}`;
}

function namesIn({ objects, members }: ChangeSet): readonly string[] {
  return [...objects.map(({ id }) => id), ...members.map(({ id, key }) => memberName(id, key))];
}

function without({ objects, members }: ChangeSet, names: ReadonlySet<string>): ChangeSet {
  return {
    objects: objects.filter(({ id }) => !names.has(id)),
    members: members.filter(({ id, key }) => !names.has(id) && !names.has(memberName(id, key))),
  };
}

function sizeOf(change: ChangeSet): number {
  return change.objects.length + change.members.length;
}
