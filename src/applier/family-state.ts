import type { Assembly } from '../backend/assembly.ts';
import { assemble } from '../backend/assembly.ts';
import type { RuleSet } from '../backend/rules.ts';
import { NO_RULES } from '../backend/rules.ts';
import { SluiceError } from '../base/errors.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import type { Compilation, CompileInputs } from '../compiler/compile.ts';
import { compile } from '../compiler/compile.ts';
import type { Plan } from '../compiler/plan.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { WriteResult } from './belief.ts';
import { Belief } from './belief.ts';
import type { FamilySyncOptions } from './family-sync.ts';
import { Quarantine } from './quarantine.ts';

export type SyncInputs = Omit<CompileInputs, 'family'>;

/** What a sync has done so far. */
export interface Progress {
  changes: number;
  compileMs: number;
  renderMs: number;
  readMs: number;
  readonly refused: { readonly key: ServicePortKey; readonly error: SluiceError }[];
}

/** What is known of one family between one step of a sync and the next. */
export class FamilyState {
  readonly options: Omit<FamilySyncOptions, 'flows'>;
  readonly kernel: Belief;
  readonly quarantine = new Quarantine();
  /** Objects of others, found in the kernel, that stay for as long as not all of ours is there. */
  foreign: RuleSet = NO_RULES;
  /** What stays of Services that the kernel refused and of which no plan is known, because somebody else wrote them. */
  readonly traces = new Map<ServicePortKey, RuleSet>();
  /** Characters that the tools were fed, ever. */
  written = 0;
  readonly #flows: FamilySyncOptions['flows'];
  #compilation: Compilation | undefined;
  #assembly: Assembly | undefined;
  #applied: Plan | undefined;

  constructor({ flows, ...options }: FamilySyncOptions) {
    this.options = options;
    this.#flows = flows;
    this.kernel = new Belief(options.driver);
  }

  /** Has nothing been written yet? */
  get isNew(): boolean {
    return this.#applied === undefined;
  }

  get compilation(): Compilation | undefined {
    return this.#compilation;
  }

  /** The plan that was written last. */
  get applied(): Plan | undefined {
    return this.#applied;
  }

  /** As if nothing had been compiled yet. */
  forgetPlans(): void {
    this.#compilation = undefined;
    this.#assembly = undefined;
  }

  /** What to write: Services that the kernel refused are as it has them. */
  get plan(): Plan {
    if (this.#compilation === undefined)
      throw new SluiceError({ code: 'internal', message: 'nothing is compiled yet' });
    const plan = this.quarantine.filter(this.#compilation.plan);
    for (const key of this.traces.keys()) if (!this.quarantine.has(key)) this.traces.delete(key);
    return plan;
  }

  /** @returns {@link plan}. */
  compile(inputs: SyncInputs, progress: Progress): Plan {
    const { clock, family } = this.options;
    const startMs = clock.now();
    this.#compilation = compile({ ...inputs, family }, this.#compilation);
    progress.compileMs += clock.now() - startMs;
    return this.plan;
  }

  assemble(plan: Plan, progress?: Progress): RuleSet {
    const { clock, spelling } = this.options;
    const startMs = clock.now();
    this.#assembly = assemble(spelling, plan, this.#assembly);
    if (progress !== undefined) progress.renderMs += clock.now() - startMs;
    return [this.foreign, ...this.traces.values()].reduce(withMissing, this.#assembly.rules);
  }

  /** To be told of every plan before it is written. */
  note(plan: Plan, { snapshot }: SyncInputs): void {
    this.#flows?.note({ plan, endpoints: snapshot.endpoints });
  }

  /** @returns how much was written. Any failure makes the kernel's state unknown. */
  async write(plan: Plan): Promise<number> {
    return this.wrote(plan, await this.kernel.write(this.assemble(plan)));
  }

  /** @returns how much was written. */
  wrote(plan: Plan, { changes, written }: WriteResult): number {
    this.written += written;
    this.#applied = plan;
    return changes;
  }
}

/** What of the second is not in the first, whole objects or members, is added. */
function withMissing(rules: RuleSet, more: RuleSet): RuleSet {
  if (more.size === 0) return rules;
  return rules.update((draft) => {
    more.forEach((object, id) => {
      const known = draft.get(id);
      if (known === undefined) draft.set(id, object);
      else if (!known.ordered && !object.ordered)
        draft.set(id, { ...known, members: joined(object.members, known.members) });
    });
  });
}

/** Where both have a member, the second one's. */
function joined(
  few: PersistentMap<readonly string[]>,
  many: PersistentMap<readonly string[]>,
): PersistentMap<readonly string[]> {
  return many.update((draft) => {
    few.forEach((lines, key) => {
      if (draft.get(key) === undefined) draft.set(key, lines);
    });
  });
}
