import type { TargetVerdict } from './report.ts';

/** A target whose case was in this run. */
export type MeasuredTarget = TargetVerdict & { readonly value: number };

/** The targets that this run can tell of, and in words how many it cannot. */
export function measuredTargets(targets: readonly TargetVerdict[]): {
  readonly measured: readonly MeasuredTarget[];
  readonly rest: string | undefined;
} {
  const measured = targets.filter((target): target is MeasuredTarget => target.value !== null);
  const others = targets.length - measured.length;
  const rest =
    others === 0 ? undefined : `${others} of ${targets.length} targets are about cases that this run has not`;
  return { measured, rest };
}

export function verdictOf({ value, atMost }: MeasuredTarget): 'met' | 'missed' {
  return value <= atMost ? 'met' : 'missed';
}
