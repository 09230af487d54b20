import type { TargetVerdict } from './report.ts';

export type Verdict = 'met' | 'missed' | 'not measured';

export function verdictOf({ value, atMost }: TargetVerdict): Verdict {
  if (value === null) return 'not measured';
  return value <= atMost ? 'met' : 'missed';
}
