import type { Backend, FrontendSummary } from '../backend/contract.ts';
import type { RuleSet } from '../backend/rules.ts';
import { diffRuleSets, isEmptyChange } from '../backend/rules.ts';

/** What `sluice diff -o json` prints. Fields may be added; those that are here keep their meaning while `version` is 1. */
export interface DiffReport {
  readonly version: 1;
  readonly backend: string;
  /** What the manifests were compared with. */
  readonly against: string;
  readonly different: boolean;
  readonly families: readonly FamilyDiff[];
  /** Objects, or parts of them, that cannot be used; one line each. */
  readonly badObjects: readonly string[];
  readonly warnings: readonly string[];
}

export interface FamilyDiff {
  /** `IPv4` or `IPv6`. */
  readonly family: string;
  readonly different: boolean;
  /** Destinations of Services, sorted by Service. */
  readonly frontends: readonly FrontendDiff[];
  /** Every rule, element or chain, those of `frontends` included. */
  readonly rules: { readonly added: number; readonly removed: number; readonly lines?: readonly string[] };
}

export interface FrontendDiff {
  readonly change: 'added' | 'changed' | 'removed';
  /** `namespace/name:port`; absent when the rules do not say. */
  readonly service?: string;
  /** `ClusterIP`, `ExternalIP`, `LoadBalancer`, `NodePort`. */
  readonly kind: string;
  /** `10.96.0.7:80`, `*:30080` for a NodePort. */
  readonly destination: string;
  readonly protocol: string;
  /** Absent on the side where the destination is not there. */
  readonly before?: FrontendState;
  readonly after?: FrontendState;
}

export interface FrontendState {
  readonly service?: string;
  readonly endpoints: readonly string[];
  /** Where it is not plain forwarding: `reject`, `drop from outside`, … */
  readonly notes: readonly string[];
}

export interface DiffInputs {
  readonly backend: Pick<Backend, 'name' | 'summarize' | 'explain'>;
  readonly against: string;
  readonly families: readonly { readonly family: string; readonly before: RuleSet; readonly after: RuleSet }[];
  readonly badObjects: readonly string[];
  readonly warnings: readonly string[];
  /** Put the changed rules themselves into the report, not just their number. */
  readonly withRules: boolean;
}

/** What differs between two sets of rules, destination by destination. Pure. */
export function diffReport(inputs: DiffInputs): DiffReport {
  const families = inputs.families.map(({ family, before, after }): FamilyDiff => {
    const change = diffRuleSets(before, after);
    const lines = inputs.backend.explain(change);
    const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
    return {
      family,
      different: !isEmptyChange(change),
      frontends: diffFrontends(inputs.backend.summarize(before), inputs.backend.summarize(after)),
      rules: { added: count('+'), removed: count('-'), ...(inputs.withRules ? { lines } : {}) },
    };
  });
  return {
    version: 1,
    backend: inputs.backend.name,
    against: inputs.against,
    different: families.some(({ different }) => different),
    families,
    badObjects: inputs.badObjects,
    warnings: inputs.warnings,
  };
}

function diffFrontends(before: readonly FrontendSummary[], after: readonly FrontendSummary[]): readonly FrontendDiff[] {
  const old = byDestination(before);
  const now = byDestination(after);
  const changes = [...new Set([...old.keys(), ...now.keys()])].map((key) => diffFrontend(old.get(key), now.get(key)));
  return changes.filter((change) => change !== undefined).toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function byDestination(summaries: readonly FrontendSummary[]): ReadonlyMap<string, FrontendSummary> {
  return new Map(summaries.map((summary) => [`${summary.destination}/${summary.protocol}`, summary]));
}

const KIND_ORDER = ['ClusterIP', 'ExternalIP', 'LoadBalancer', 'NodePort'];

function sortKey({ service, kind, destination, protocol }: FrontendDiff): string {
  return [service ?? '~', KIND_ORDER.indexOf(kind), destination, protocol].join(' ');
}

function diffFrontend(
  before: FrontendSummary | undefined,
  after: FrontendSummary | undefined,
): FrontendDiff | undefined {
  const known = after ?? before;
  if (known === undefined || (before !== undefined && after !== undefined && sameState(before, after)))
    return undefined;
  const service = after?.service ?? before?.service;
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  return {
    change,
    ...(service === undefined ? {} : { service }),
    kind: known.kind,
    destination: known.destination,
    protocol: known.protocol,
    ...(before === undefined ? {} : { before: stateOf(before) }),
    ...(after === undefined ? {} : { after: stateOf(after) }),
  };
}

function stateOf({ service, endpoints, notes }: FrontendSummary): FrontendState {
  return { ...(service === undefined ? {} : { service }), endpoints, notes };
}

function sameState(a: FrontendSummary, b: FrontendSummary): boolean {
  const same = (left: readonly string[], right: readonly string[]) => left.join(' ') === right.join(' ');
  return a.service === b.service && a.kind === b.kind && same(a.endpoints, b.endpoints) && same(a.notes, b.notes);
}
