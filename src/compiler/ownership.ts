import { compact } from '../base/compact.ts';
import { PersistentMap } from '../base/persistent-map.ts';
import { socketAddress } from '../model/address.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { Frontend, ServicePlan } from './plan.ts';

export interface Claims {
  /** Who wants a destination, the owner (the most senior) first. Almost always one. */
  readonly all: PersistentMap<readonly ServicePortKey[]>;
  /** Those with more than one claimant. */
  readonly contested: PersistentMap<readonly ServicePortKey[]>;
}

export const NO_CLAIMS: Claims = { all: PersistentMap.empty(), contested: PersistentMap.empty() };

/** `10.0.0.1:80/tcp`, `*:30080/tcp` for a NodePort: unique among everything a node answers for in a family. */
export function destinationOf(service: ServicePlan, frontend: Frontend): string {
  const address = frontend.kind === 'node-port' ? `*:${frontend.port}` : socketAddress(frontend.address, frontend.port);
  return `${address}/${service.protocol}`;
}

/** Without duplicates, because a Service has none. Short lists, which are searched faster than sets are made. */
function destinationsOf(service: ServicePlan | undefined): readonly string[] {
  return service?.frontends.map((frontend) => destinationOf(service, frontend)) ?? [];
}

export interface ClaimChange {
  readonly key: ServicePortKey;
  readonly before: ServicePlan | undefined;
  readonly after: ServicePlan | undefined;
  /** Seniority may have changed although destinations did not. */
  readonly reorder: boolean;
}

/** Sorts by seniority: negative when the first is the older (creation time, then name). */
export type CompareSeniority = (a: ServicePortKey, b: ServicePortKey) => number;

const NOBODY: readonly ServicePortKey[] = [];

/** Updates the register of claims. @returns the register and every Service whose rights may have changed. */
export function updateClaims(
  claims: Claims,
  changes: readonly ClaimChange[],
  compare: CompareSeniority,
): { readonly claims: Claims; readonly affected: ReadonlySet<ServicePortKey> } {
  const affected = new Set<ServicePortKey>();
  const contests = new Map<string, readonly ServicePortKey[]>();
  const all = claims.all.update((draft) => {
    for (const { key, before, after, reorder } of changes) {
      affected.add(key);
      if (!reorder && before?.frontends === after?.frontends && before?.protocol === after?.protocol) continue;
      const old = destinationsOf(before);
      const now = destinationsOf(after);
      for (const destination of [...old, ...now.filter((other) => !old.includes(other))]) {
        const stays = now.includes(destination);
        if (!reorder && stays && old.includes(destination)) continue;
        const known = draft.get(destination);
        // Nobody had it, which is so for almost every destination of a first load.
        if (known === undefined && stays && !contests.has(destination)) {
          draft.set(destination, [key]);
          continue;
        }
        const others = (known ?? NOBODY).filter((claimant) => claimant !== key);
        for (const other of others) affected.add(other);
        const claimants = stays ? compact([...others, key].sort(compare)) : others;
        if (claimants.length === 0) draft.delete(destination);
        else draft.set(destination, claimants);
        const isContest = claimants.length > 1 || contests.has(destination) || claims.contested.has(destination);
        if (isContest) contests.set(destination, claimants);
      }
    }
  });
  const contested = claims.contested.update((draft) => {
    for (const [destination, claimants] of contests) {
      if (claimants.length > 1) draft.set(destination, claimants);
      else draft.delete(destination);
    }
  });
  return { claims: { all, contested }, affected };
}

/** The plan without the destinations that an older Service owns; the very same object when it owns all of its own. */
export function withoutLost(service: ServicePlan, claims: Claims): ServicePlan {
  const owns = (frontend: Frontend): boolean => claims.all.get(destinationOf(service, frontend))?.[0] === service.key;
  return service.frontends.every(owns) ? service : { ...service, frontends: service.frontends.filter(owns) };
}
