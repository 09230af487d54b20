import { compact } from '../base/compact.ts';
import { PersistentMap } from '../base/persistent-map.ts';
import { socketAddress } from '../model/address.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { Frontend, ServicePlan } from './plan.ts';

export interface Claims {
  /** Who has a destination: the most senior of those that want it, almost always the only one. */
  readonly owners: PersistentMap<ServicePortKey>;
  /** Where more than one want it, all of them, the owner first. */
  readonly contested: PersistentMap<readonly ServicePortKey[]>;
}

export const NO_CLAIMS: Claims = { owners: PersistentMap.empty(), contested: PersistentMap.empty() };

/** `10.0.0.1:80/tcp`, `*:30080/tcp` for a NodePort: unique among everything a node answers for in a family. */
export function destinationOf(service: ServicePlan, frontend: Frontend): string {
  const address = frontend.kind === 'node-port' ? `*:${frontend.port}` : socketAddress(frontend.address, frontend.port);
  return `${address}/${service.protocol}`;
}

const NOWHERE: readonly string[] = [];

/** Without duplicates, because a Service has none. Short lists, which are searched faster than sets are made. */
function destinationsOf(service: ServicePlan | undefined): readonly string[] {
  return service?.frontends.map((frontend) => destinationOf(service, frontend)) ?? NOWHERE;
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
  const owners = claims.owners.update((draft) => {
    const claimantsOf = (destination: string): readonly ServicePortKey[] => {
      const owner = draft.get(destination);
      return contests.get(destination) ?? claims.contested.get(destination) ?? (owner === undefined ? NOBODY : [owner]);
    };
    for (const { key, before, after, reorder } of changes) {
      affected.add(key);
      if (!reorder && before?.frontends === after?.frontends && before?.protocol === after?.protocol) continue;
      const old = destinationsOf(before);
      const now = destinationsOf(after);
      for (const destination of old.length === 0 ? now : [...old, ...now.filter((other) => !old.includes(other))]) {
        const stays = now.includes(destination);
        if (!reorder && stays && old.includes(destination)) continue;
        // Nobody had it, which is so for almost every destination of a first load.
        if (stays && draft.get(destination) === undefined && !contests.has(destination)) {
          draft.set(destination, key);
          continue;
        }
        const known = claimantsOf(destination);
        const others = known.filter((claimant) => claimant !== key);
        for (const other of others) affected.add(other);
        const claimants = stays ? compact([...others, key].sort(compare)) : others;
        const [owner] = claimants;
        if (owner === undefined) draft.delete(destination);
        else draft.set(destination, owner);
        const isContest = claimants.length > 1 || known.length > 1 || contests.has(destination);
        if (isContest) contests.set(destination, claimants);
      }
    }
  });
  if (contests.size === 0) return { claims: { owners, contested: claims.contested }, affected };
  const contested = claims.contested.update((draft) => {
    for (const [destination, claimants] of contests) {
      if (claimants.length > 1) draft.set(destination, claimants);
      else draft.delete(destination);
    }
  });
  return { claims: { owners, contested }, affected };
}

/** The plan without the destinations that an older Service owns; the very same object when it owns all of its own. */
export function withoutLost(service: ServicePlan, { contested }: Claims): ServicePlan {
  const owns = (frontend: Frontend): boolean => {
    const claimants = contested.get(destinationOf(service, frontend));
    return claimants === undefined || claimants[0] === service.key;
  };
  return service.frontends.every(owns) ? service : { ...service, frontends: service.frontends.filter(owns) };
}
