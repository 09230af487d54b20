import type { RuleSet } from '../backend/rules.ts';
import { NO_RULES } from '../backend/rules.ts';
import { diffMaps } from '../base/persistent-map.ts';
import type { SluiceError } from '../base/errors.ts';
import { toSluiceError } from '../base/errors.ts';
import type { Plan } from '../compiler/plan.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { FamilyState, Progress } from './family-state.ts';
import { inPlace, withServices } from './partial-plans.ts';

/**
 * After a refusal: once more from the kernel's real state, because somebody may have changed it under us; then by
 * halves, to find the Services that cannot be written and write the others.
 *
 * @throws what was thrown, when it is no refusal; {@link SluiceError} when it goes on failing.
 */
export async function recover(
  state: FamilyState,
  { plan, thrown, progress }: { readonly plan: Plan; readonly thrown: unknown; readonly progress: Progress },
): Promise<void> {
  rethrowUnlessRefused(thrown);
  try {
    progress.changes += await state.write(plan);
    return;
  } catch (again) {
    rethrowUnlessRefused(again);
  }
  const { applied, options } = state;
  const kernel = await state.kernel.look();
  const services = applied?.services ?? inPlace(options.spelling, plan, kernel);
  const good: Plan = { ...plan, services };
  const guards = applied === undefined && state.foreign.size === 0;
  if (guards) state.foreign = withoutOurs(kernel, state.assemble(plan));
  let accepted: Plan;
  try {
    accepted = await narrowDown(state, { good, plan, kernel, progress });
  } finally {
    if (guards) state.foreign = NO_RULES;
  }
  if (guards) progress.changes += await state.write(accepted);
}

interface Suspicion {
  /** A part of the plan that is known to be good. */
  readonly good: Plan;
  readonly plan: Plan;
  readonly kernel: RuleSet;
  readonly progress: Progress;
}

/** Writes what of a plan can be written. @returns all of it that is in the kernel. */
async function narrowDown(state: FamilyState, { good, plan, kernel, progress }: Suspicion): Promise<Plan> {
  const suspects: ServicePortKey[] = [];
  diffMaps(good.services, plan.services, (key) => suspects.push(key));
  // Services that somebody else wrote, such as this program before it was started anew, keep what they have meanwhile.
  const unknown = suspects.flatMap((key) => (good.services.has(key) ? [] : (plan.services.get(key) ?? [])));
  const traces = [...(state.options.spelling.traces?.(unknown, kernel) ?? [])];
  for (const [key, rules] of traces) state.traces.set(key, rules);
  let accepted = good;
  const attempt = async (keys: readonly ServicePortKey[]): Promise<void> => {
    const next = withServices(accepted, plan, keys);
    for (const key of keys) state.traces.delete(key);
    try {
      progress.changes += await state.write(next);
      accepted = next;
    } catch (refusal) {
      const error = rethrowUnlessRefused(refusal);
      for (const [key, rules] of traces) if (keys.includes(key)) state.traces.set(key, rules);
      const [only] = keys;
      if (keys.length > 1 || only === undefined) {
        await attempt(keys.slice(0, keys.length / 2));
        await attempt(keys.slice(keys.length / 2));
      } else {
        const kept = accepted.services.get(only);
        state.quarantine.add(only, { refused: plan.services.get(only), kept });
        progress.refused.push({ key: only, error });
      }
    }
  };
  // When not even the rules without any change can be written, no Service is to blame.
  progress.changes += await state.write(good);
  await attempt(suspects.sort());
  return accepted;
}

/** Objects that are no part of what we want, such as the table of another proxy. */
function withoutOurs(kernel: RuleSet, wanted: RuleSet): RuleSet {
  return kernel.update((draft) => wanted.forEach((_, id) => draft.delete(id)));
}

function rethrowUnlessRefused(thrown: unknown): SluiceError {
  const error = toSluiceError(thrown);
  if (error.code !== 'kernel-refused') throw thrown;
  return error;
}
