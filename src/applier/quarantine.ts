import type { Plan, ServicePlan } from '../compiler/plan.ts';
import type { ServicePortKey } from '../model/service.ts';

interface Refused {
  readonly refused: ServicePlan | undefined;
  /** What the kernel has of the Service and keeps. */
  readonly kept: ServicePlan | undefined;
}

/**
 * Services whose rules the kernel refused. Each stays as the kernel has it until its plan changes, so that it never blocks
 * the others and is not tried in vain.
 */
export class Quarantine {
  readonly #refused = new Map<ServicePortKey, Refused>();

  get keys(): readonly ServicePortKey[] {
    return [...this.#refused.keys()].sort();
  }

  has(key: ServicePortKey): boolean {
    return this.#refused.has(key);
  }

  add(key: ServicePortKey, entry: Refused): void {
    this.#refused.set(key, entry);
  }

  /** Gives every Service another chance. */
  clear(): void {
    this.#refused.clear();
  }

  /** The plan with refused Services put back to what the kernel has. Services whose plan changed are released. */
  filter(plan: Plan): Plan {
    if (this.#refused.size === 0) return plan;
    const services = plan.services.update((draft) => {
      for (const [key, { refused, kept }] of this.#refused) {
        if (draft.get(key) !== refused) this.#refused.delete(key);
        else if (kept === undefined) draft.delete(key);
        else draft.set(key, kept);
      }
    });
    return { ...plan, services };
  }
}
