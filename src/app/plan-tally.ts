import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { Plan, ServicePlan } from '../compiler/plan.ts';

interface Counts {
  endpoints: number;
  /** Service ports with internalTrafficPolicy Local that have endpoints, but none on this node. */
  internal: number;
  /** The same of externalTrafficPolicy. */
  external: number;
}

/** Counts over all Services of a family, kept at the cost of what changes. */
export class PlanTally {
  #services: Plan['services'] = PersistentMap.empty();
  readonly #counts: Counts = { endpoints: 0, internal: 0, external: 0 };

  update(plan: Plan): Readonly<Counts> {
    diffMaps(this.#services, plan.services, (_key, before, after) => {
      this.#add(before, -1);
      this.#add(after, 1);
    });
    this.#services = plan.services;
    return { ...this.#counts };
  }

  #add(service: ServicePlan | undefined, sign: 1 | -1): void {
    if (service === undefined) return;
    const { pools, frontends } = service;
    this.#counts.endpoints += sign * Math.max(pools.cluster.length, pools.local.length);
    const dropped = (inside: boolean): boolean =>
      frontends.some(({ kind, verdict }) => (kind === 'cluster-ip') === inside && verdict.outside.kind === 'drop');
    if (dropped(true)) this.#counts.internal += sign;
    if (dropped(false)) this.#counts.external += sign;
  }
}
