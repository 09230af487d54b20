import type { Summary } from '../statistics.ts';
import type { SampleDetail } from './sample.ts';
import type { ScenarioId } from './scenarios.ts';
import type { Strain } from './self-watch.ts';

/** One backend at one size: what one child process measures. */
export interface CaseSpec {
  /** Name of a contender. */
  readonly contender: string;
  readonly services: number;
  /** Per Service. */
  readonly endpoints: number;
  readonly scenarios: readonly ScenarioId[];
  readonly runs: number;
  /** No further sample of a scenario is begun after this long. */
  readonly budgetMs: number;
  readonly seed: number;
}

/** One kind of operation of one scenario. */
export interface Outcome {
  readonly scenario: ScenarioId;
  /** `one endpoint changed`. */
  readonly operation: string;
  readonly total: Summary;
  /** Absent where only the total was measured. */
  readonly detail?: SampleDetail;
  /** What the backend's tool needs for the same batches, fed by nobody but a clock. */
  readonly floor?: Summary;
}

/** What a scenario took from the machine. */
export interface ScenarioStrain extends Strain {
  readonly scenario: ScenarioId;
  /** The most memory that any one child (nft, iptables-restore) had. */
  readonly childPeakBytes: number;
}

/** After the first cold load, with what was needed once given back. */
export interface Footprint {
  /** Physical memory more than before the first object. */
  readonly residentBytes: number;
  /** Of it, on V8's heap. */
  readonly heapBytes: number;
}

export interface CaseResult {
  readonly spec: CaseSpec;
  /** The first start in a fresh process, when V8 has not compiled anything yet. */
  readonly firstMs: number;
  readonly outcomes: readonly Outcome[];
  readonly strains: readonly ScenarioStrain[];
  /** Scenarios that could not be measured. */
  readonly failures: readonly { readonly scenario: ScenarioId; readonly reason: string }[];
  readonly footprint: Footprint;
}

/** One line of a child's standard output, as JSON. */
export type CaseMessage =
  | { readonly kind: 'scenario'; readonly scenario: ScenarioId }
  | { readonly kind: 'result'; readonly result: CaseResult }
  | { readonly kind: 'failure'; readonly message: string };
