import { compareInSteps } from '../backend/compare.ts';
import type { SliceWriter } from '../backend/contract.ts';
import type { ChangeSet, RuleSet } from '../backend/rules.ts';
import { diffRuleSets, NO_RULES } from '../backend/rules.ts';
import type { Steps } from '../base/steps.ts';
import { inSlices } from '../base/steps.ts';
import type { Plan } from '../compiler/plan.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { WriteResult } from './belief.ts';
import type { FamilyState, Progress, SyncInputs } from './family-state.ts';
import { slicesOf } from './portions.ts';
import { recover } from './recovery.ts';

export interface FirstSyncParts {
  readonly inputs: SyncInputs;
  readonly slices: SliceWriter;
  readonly progress: Progress;
}

/** The end, good or bad, of something that goes on meanwhile. */
type Ending<T> = Promise<readonly [PromiseSettledResult<T>]>;

/** A slice that is spelled. */
interface Spelled {
  readonly plan: Plan;
  readonly wanted: RuleSet;
  readonly commit: () => Promise<WriteResult>;
}

/** A slice that is being written. */
interface Slice extends Omit<Spelled, 'commit'> {
  readonly ending: Ending<WriteResult>;
}

/**
 * The first sync of a process: rules are compiled while the tool reads the kernel. Where nothing of ours is there they are
 * written in slices of whole Services, each a transaction of its own, compiled and spelled while the tool writes the one before.
 *
 * @returns the plan that it was to end in. @throws {SluiceError} as reading and writing do.
 */
export async function firstSync(state: FamilyState, parts: FirstSyncParts): Promise<Plan> {
  const looking: Ending<RuleSet> = Promise.allSettled([state.kernel.look()]);
  const writer = new FirstSync(state, parts);
  try {
    return await writer.run(looking);
  } finally {
    // Whatever happened, nothing of it goes on.
    await Promise.all([looking, writer.settled()]);
    state.foreign = NO_RULES;
  }
}

class FirstSync {
  readonly #state: FamilyState;
  readonly #parts: FirstSyncParts;
  #slice: Slice | undefined;

  constructor(state: FamilyState, parts: FirstSyncParts) {
    this.#state = state;
    this.#parts = parts;
  }

  async settled(): Promise<void> {
    await this.#slice?.ending;
  }

  async run(looking: Ending<RuleSet>): Promise<Plan> {
    const state = this.#state;
    const { inputs, slices, progress } = this.#parts;
    state.forgetPlans();
    let found: RuleSet | undefined;
    let isCold = false;
    for (const snapshots of slicesOf(inputs.snapshot, slices)) {
      await inSlices(this.#compile(snapshots));
      if (found === undefined) {
        found = await this.#found(looking);
        isCold = isApart(found, state.assemble(state.plan));
        if (isCold) state.foreign = found;
      }
      if (isCold) await this.#writeSlice(found);
    }
    if (!isCold) await this.#adopt(found ?? NO_RULES);
    await this.#finishSlice();
    if (state.foreign.size > 0) {
      // Not in anybody's way, and only now nobody's loss.
      state.foreign = NO_RULES;
      progress.changes += await state.write(state.applied ?? state.plan);
    }
    return state.plan;
  }

  *#compile(snapshots: readonly Snapshot[]): Steps<void> {
    const state = this.#state;
    const { inputs, progress } = this.#parts;
    for (const snapshot of snapshots) {
      state.assemble(state.compile({ ...inputs, snapshot }, progress), progress);
      yield;
    }
  }

  async #found(looking: Ending<RuleSet>): Promise<RuleSet> {
    const { clock } = this.#state.options;
    const startMs = clock.now();
    const [outcome] = await looking;
    this.#parts.progress.readMs += clock.now() - startMs;
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }

  async #writeSlice(found: RuleSet): Promise<void> {
    const state = this.#state;
    const commit = this.#spell(this.#slice?.wanted ?? found);
    const fits = await this.#finishSlice();
    // What was refused changed what the kernel holds, and what is wanted.
    this.#start(fits ? commit : this.#spell(await state.kernel.look()));
  }

  /** Spells the whole difference: there are rules in place. */
  async #adopt(found: RuleSet): Promise<void> {
    const state = this.#state;
    const { clock } = state.options;
    const startMs = clock.now();
    const change = await inSlices(compareInSteps(found, state.assemble(state.plan)));
    this.#parts.progress.renderMs += clock.now() - startMs;
    this.#start(this.#spell(found, change));
  }

  /** @param from what the kernel will hold by then. @returns what writes the difference to the present plan. */
  #spell(from: RuleSet, known?: ChangeSet): Spelled {
    const state = this.#state;
    const { progress, slices } = this.#parts;
    const startMs = state.options.clock.now();
    const { plan } = state;
    const wanted = state.assemble(plan);
    const commit = state.kernel.stage(slices, known ?? diffRuleSets(from, wanted), wanted);
    progress.renderMs += state.options.clock.now() - startMs;
    return { plan, wanted, commit };
  }

  #start({ plan, wanted, commit }: Spelled): void {
    this.#state.note(plan, this.#parts.inputs);
    this.#slice = { plan, wanted, ending: Promise.allSettled([commit()]) };
  }

  /** Waits for the slice under way. @returns whether it is in the kernel as it was spelled. */
  async #finishSlice(): Promise<boolean> {
    if (this.#slice === undefined) return true;
    const { plan, ending } = this.#slice;
    this.#slice = undefined;
    const [outcome] = await ending;
    const { progress } = this.#parts;
    if (outcome.status === 'fulfilled') {
      progress.changes += this.#state.wrote(plan, outcome.value);
      return true;
    }
    await recover(this.#state, { plan, thrown: outcome.reason, progress });
    return false;
  }
}

/** Has the kernel none of the objects that we want? */
function isApart(kernel: RuleSet, wanted: RuleSet): boolean {
  return [...kernel.keys()].every((id) => !wanted.has(id));
}
