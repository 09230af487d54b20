import type { Summary } from '../statistics.ts';
import { summarize } from '../statistics.ts';

/**
 * Where the time between an event and the kernel's acknowledgement goes, in order. A sync that does not know what the kernel
 * has reads it first; one that takes several transactions is `written` when the last of them is handed over. Where a stage goes
 * on while we work on another, as in a first sync, every moment counts once: what we did ourselves as `compile` and `encode`, and
 * for `read` and `acknowledge` what was only waited for.
 */
export const STAGES = ['compile', 'read', 'encode', 'write', 'acknowledge'] as const;

export type Stage = (typeof STAGES)[number];

/** What each stage ends with, for people. */
export const STAGE_TEXT: Readonly<Record<Stage, string>> = {
  compile: 'event → compiled: decoded, taken into the snapshot, decided',
  read: 'the kernel’s rules are read, where they are not known',
  encode: 'compiled → encoded: spelled as rules, compared, made text',
  write: 'encoded → written: the tool is started where it is not running, and has taken the last byte',
  acknowledge: 'written → acknowledged: tool and kernel are done',
};

/** One operation. */
export interface Sample {
  readonly totalMs: number;
  readonly stagesMs: Readonly<Record<Stage, number>>;
  /** What sluice itself needed before the first byte: `compile` and `encode`. */
  readonly ownMs: number;
  readonly syncs: number;
  /** Characters that the backend's tools were fed. */
  readonly bytes: number;
  /** Rules and elements that came, went or were replaced. */
  readonly changes: number;
}

/** Many operations of one kind, without their total. */
export interface SampleDetail {
  readonly own: Summary;
  readonly stages: Readonly<Record<Stage, Summary>>;
  readonly bytes: Summary;
  readonly changes: Summary;
  readonly syncs: Summary;
}

/** @throws {SluiceError} `internal` when there are no samples. */
export function detailOf(samples: readonly Sample[]): SampleDetail {
  const of = (pick: (sample: Sample) => number): Summary => summarize(samples.map(pick));
  const stages = Object.fromEntries(STAGES.map((stage) => [stage, of(({ stagesMs }) => stagesMs[stage])]));
  return {
    own: of(({ ownMs }) => ownMs),
    stages: stages as Record<Stage, Summary>,
    bytes: of(({ bytes }) => bytes),
    changes: of(({ changes }) => changes),
    syncs: of(({ syncs }) => syncs),
  };
}
