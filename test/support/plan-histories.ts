import * as fc from 'fast-check';
import type { Compilation } from '../../src/compiler/compile.ts';
import { compile } from '../../src/compiler/compile.ts';
import type { CompileSettings, Plan } from '../../src/compiler/plan.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { planHistoryArbitrary } from './plans.ts';
import type { WorldEvent } from './snapshots.ts';
import { histories, World } from './snapshots.ts';

/** The plans of a cluster in which these batches of events happen. */
function compileHistory(history: readonly (readonly WorldEvent[])[], family: IpFamily): readonly Plan[] {
  const world = new World();
  const all = new Map<CompileSettings, CompileSettings>();
  let previous: Compilation | undefined;
  return history.map((events) => {
    const inputs = world.happen(events);
    const settings = all.get(inputs.settings) ?? { ...inputs.settings, namesInterfaceAddresses: true };
    all.set(inputs.settings, settings);
    previous = compile({ ...inputs, settings, family }, previous);
    return previous.plan;
  });
}

/**
 * Plans as they follow one another on a node, in one family: some of many independent Services, some of a few that
 * quarrel over destinations and lose and win them.
 */
export const planHistories: fc.Arbitrary<{ readonly family: IpFamily; readonly plans: readonly Plan[] }> = fc
  .constantFrom(...IP_FAMILIES)
  .chain((family) =>
    fc.record({
      family: fc.constant(family),
      plans: fc.oneof(
        planHistoryArbitrary(family),
        histories.map((history) => compileHistory(history, family)),
      ),
    }),
  );
