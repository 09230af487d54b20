import type { Driver, Inspection } from '../../src/backend/contract.ts';
import type { ChangeSet, RuleObject, RuleSet } from '../../src/backend/rules.ts';
import { applyChange, diffRuleSets, isEmptyChange, NO_RULES } from '../../src/backend/rules.ts';
import { SluiceError } from '../../src/base/errors.ts';

function textOf(object: RuleObject | undefined): readonly string[] {
  if (object === undefined) return [];
  return object.ordered ? object.lines : [...object.members].flatMap(([key, lines]) => [key, ...lines]);
}

/** Every line that a change puts into the kernel. */
function puts(change: ChangeSet): readonly string[] {
  const members = change.members.flatMap(({ key, after }) => (after === undefined ? [] : [key, ...after]));
  return [...change.objects.flatMap(({ after }) => textOf(after)), ...members];
}

/** A kernel that holds a rule set as it is, and can be told to refuse, to fail and to hang. */
export class FakeDriver implements Driver {
  rules: RuleSet = NO_RULES;
  reads = 0;
  inspections = 0;
  /** Drift that was accepted. */
  readonly accepted: ChangeSet[] = [];
  /** Keep `inspect` waiting until this settles. */
  inspectionGate: Promise<void> | undefined;
  /** Changes that got in. */
  readonly applied: ChangeSet[] = [];
  /** Attempts, whatever became of them. */
  attempts = 0;
  /** Shown what the kernel holds after every change. */
  onApplied: ((rules: RuleSet) => void) | undefined;
  closed = false;
  /** Text that the kernel does not take, wherever it occurs. */
  poison: RegExp | undefined;
  /** Errors of the next calls of `read` or `apply`, one each. */
  readonly failures: SluiceError[] = [];
  /** Errors of the next calls of `inspect`, one each. */
  readonly inspectionFailures: SluiceError[] = [];
  /** Keep `apply` waiting until this settles. */
  gate: Promise<void> | undefined;

  async read(): Promise<RuleSet> {
    this.reads++;
    await this.#stumble();
    return this.rules;
  }

  /** Sees what is there when it begins. */
  async inspect(): Promise<Inspection> {
    this.inspections++;
    const { rules } = this;
    await this.inspectionGate;
    const failure = this.inspectionFailures.shift();
    if (failure !== undefined) throw failure;
    return { rules, accept: (drift) => void this.accepted.push(drift) };
  }

  async apply(change: ChangeSet, wanted: RuleSet): Promise<number> {
    this.attempts++;
    await this.gate;
    await this.#stumble();
    const after = applyChange(this.rules, change);
    if (!isEmptyChange(diffRuleSets(after, wanted))) throw new Error('the change does not lead to what is wanted');
    const { poison } = this;
    const refused = poison === undefined ? undefined : puts(change).find((line) => poison.test(line));
    if (refused !== undefined) throw new SluiceError({ code: 'kernel-refused', message: `refused: ${refused}` });
    this.rules = after;
    this.applied.push(change);
    this.onApplied?.(after);
    return puts(change).join().length;
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #stumble(): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}
