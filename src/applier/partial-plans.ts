import type { Piece, Spelling } from '../backend/assembly.ts';
import { assemble } from '../backend/assembly.ts';
import type { RuleSet } from '../backend/rules.ts';
import { equalData } from '../base/equal.ts';
import type { PersistentMap } from '../base/persistent-map.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { ServicePortKey } from '../model/service.ts';

/** The Services of the plan whose rules the kernel has already, found by a process that remembers nothing. */
export function inPlace(spelling: Spelling, plan: Plan, kernel: RuleSet): PersistentMap<ServicePlan> {
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
export function withServices(base: Plan, plan: Plan, keys: readonly ServicePortKey[]): Plan {
  const services = base.services.update((draft) => {
    for (const key of keys) {
      const service = plan.services.get(key);
      if (service === undefined) draft.delete(key);
      else draft.set(key, service);
    }
  });
  return { ...base, services };
}
