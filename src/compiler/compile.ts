import { equalData } from '../base/equal.ts';
import type { MapDraft } from '../base/persistent-map.ts';
import { diffMaps, PersistentMap } from '../base/persistent-map.ts';
import type { IpFamily } from '../model/address.ts';
import type { NodeInfo } from '../model/node.ts';
import { NO_ENDPOINTS } from '../model/merge-endpoints.ts';
import type { ServicePortKey } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { planService } from './frontends.ts';
import { nodeWarnings, planNode } from './node-plan.ts';
import type { ClaimChange, Claims, CompareSeniority } from './ownership.ts';
import { NO_CLAIMS, updateClaims, withoutLost } from './ownership.ts';
import type { CompileSettings, Conflict, NodePlan, Plan, ServicePlan } from './plan.ts';

export interface CompileInputs {
  readonly snapshot: Snapshot;
  readonly node: NodeInfo;
  readonly settings: CompileSettings;
  readonly family: IpFamily;
}

/** A plan and what is needed to derive the next one from it at the cost of what changed. */
export interface Compilation {
  readonly plan: Plan;
  readonly inputs: CompileInputs;
  /** Plans as their Services want them, before conflicts are settled. */
  readonly candidates: PersistentMap<ServicePlan>;
  readonly claims: Claims;
}

/**
 * Decides everything about Services for one node and family. Pure: equal inputs give an equal plan, whatever `previous`
 * is; with it, only what changed since is computed, and unchanged parts of the plan are the same objects.
 */
export function compile(inputs: CompileInputs, previous?: Compilation): Compilation {
  const nodePlan = keepIfEqual(
    planNode({ ...inputs, serviceCidrs: inputs.snapshot.serviceCidrs }),
    previous?.plan.node,
  );
  const known = previous?.inputs.family === inputs.family ? previous : undefined;
  const touched = touchedKeys(inputs, nodePlan, known);
  const { candidates, changes } = replan(inputs, nodePlan, { touched, known });
  const { claims, affected } = updateClaims(known?.claims ?? NO_CLAIMS, changes, seniority(inputs.snapshot));
  // As long as there was no conflict everybody gets what he wants, and the two are one map.
  const hadNone = known === undefined || known.plan.services === known.candidates;
  const services =
    hadNone && claims.contested.size === 0
      ? candidates
      : (known?.plan.services ?? candidates).update((draft) => settle(draft, affected, { candidates, claims }));
  return { plan: keepPlan({ family: inputs.family, node: nodePlan, services }, known), inputs, candidates, claims };
}

/** Gives Services whose rights may have changed what they own of what they want. */
function settle(
  draft: MapDraft<ServicePlan>,
  affected: ReadonlySet<ServicePortKey>,
  { candidates, claims }: Pick<Compilation, 'candidates' | 'claims'>,
): void {
  for (const key of affected) {
    const candidate = candidates.get(key);
    const owned = candidate === undefined ? undefined : withoutLost(candidate, claims);
    if (owned === undefined || owned.frontends.length === 0) draft.delete(key);
    else draft.set(key, keepIfEqual(owned, draft.get(key)));
  }
}

function keepIfEqual<T>(made: T, previous: T | undefined): T {
  return previous !== undefined && equalData(made, previous) ? previous : made;
}

/** The same plan object when nothing in it changed, so that "is there anything to write?" is one comparison. */
function keepPlan(plan: Plan, previous: Compilation | undefined): Plan {
  const old = previous?.plan;
  return old !== undefined && old.node === plan.node && old.services === plan.services ? old : plan;
}

function touchedKeys(
  inputs: CompileInputs,
  nodePlan: NodePlan,
  known: Compilation | undefined,
): ReadonlySet<ServicePortKey> {
  const { snapshot } = inputs;
  const touched = new Set<ServicePortKey>();
  const before = known?.inputs.snapshot;
  const sameNode =
    known !== undefined &&
    known.plan.node === nodePlan &&
    equalData(known.inputs.node, inputs.node) &&
    known.inputs.settings.externalIps === inputs.settings.externalIps;
  if (before === undefined || !sameNode) {
    const touch = (_port: unknown, key: ServicePortKey): unknown => touched.add(key);
    snapshot.servicePorts.forEach(touch);
    before?.servicePorts.forEach(touch);
    return touched;
  }
  diffMaps(before.servicePorts, snapshot.servicePorts, (key) => touched.add(key));
  diffMaps(before.endpoints, snapshot.endpoints, (key) => touched.add(key));
  return touched;
}

function replan(
  inputs: CompileInputs,
  nodePlan: NodePlan,
  { touched, known }: { touched: ReadonlySet<ServicePortKey>; known: Compilation | undefined },
): { candidates: PersistentMap<ServicePlan>; changes: readonly ClaimChange[] } {
  const { snapshot, family, node, settings } = inputs;
  const changes: ClaimChange[] = [];
  const oldPorts = known?.inputs.snapshot.servicePorts;
  const candidates = (known?.candidates ?? PersistentMap.empty<ServicePlan>()).update((draft) => {
    for (const key of touched) {
      const port = snapshot.servicePorts.get(key);
      const endpoints = snapshot.endpoints.get(key) ?? NO_ENDPOINTS;
      const before = draft.get(key);
      const planned =
        port === undefined
          ? undefined
          : planService({ port, endpoints, family, node, nodePlan, settings, previous: before });
      const after = planned === undefined ? undefined : keepIfEqual(planned, before);
      const reorder = oldPorts?.get(key)?.createdAtMs !== port?.createdAtMs;
      if (before !== after || reorder) changes.push({ key, before, after, reorder });
      if (after === undefined) draft.delete(key);
      else draft.set(key, after);
    }
  });
  return { candidates, changes };
}

function seniority(snapshot: Snapshot): CompareSeniority {
  const ageOf = (key: ServicePortKey): number => snapshot.servicePorts.get(key)?.createdAtMs ?? 0;
  return (a, b) => ageOf(a) - ageOf(b) || (a < b ? -1 : 1);
}

/** Destinations that more than one Service claims, sorted. */
export function conflictsOf(compilation: Compilation): readonly Conflict[] {
  const conflicts: Conflict[] = [];
  compilation.claims.contested.forEach(([winner, ...losers], destination) => {
    for (const loser of losers) if (winner !== undefined) conflicts.push({ destination, winner, loser });
  });
  return conflicts.sort((a, b) => (a.destination + a.loser < b.destination + b.loser ? -1 : 1));
}

/** What an operator should know about the node's settings, one line each. */
export function warningsOf(inputs: CompileInputs): readonly string[] {
  return nodeWarnings({ ...inputs, serviceCidrs: inputs.snapshot.serviceCidrs });
}
