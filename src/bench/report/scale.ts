import type { Axis } from './report.ts';

/** Where values lie on an axis. */
export interface Scale {
  /** Position of a value, between the two ends of the range; `undefined` for a value that has no place on the axis. */
  readonly at: (value: number) => number | undefined;
  /** Values to mark, ascending. */
  readonly ticks: readonly number[];
}

/** The positions of the smallest and the largest value. */
export type Range = readonly [from: number, to: number];

const MOST_TICKS = 8;

/** A scale that has room for all these values and ends at round ones. */
export function scaleFor({ scale }: Pick<Axis, 'scale'>, values: readonly number[], range: Range): Scale {
  return scale === 'log' ? logScale(values, range) : linearScale(values, range);
}

/** From zero, because lengths are compared. */
function linearScale(values: readonly number[], [from, to]: Range): Scale {
  const highest = Math.max(0, ...values.filter(Number.isFinite)) || 1;
  const step = roundStep(highest / (MOST_TICKS - 2));
  const steps = Math.ceil(highest / step);
  const top = steps * step;
  return {
    at: (value) => (Number.isFinite(value) ? from + ((to - from) * value) / top : undefined),
    ticks: Array.from({ length: steps + 1 }, (_, i) => i * step),
  };
}

function roundStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(atLeast));
  return power * (STEPS.find((step) => step * power >= atLeast) ?? 10);
}

const STEPS = [1, 2, 5, 10];

/** Between 1, 2 or 5 times powers of ten where there are few, between powers of ten where there are many. */
function logScale(values: readonly number[], [from, to]: Range): Scale {
  const positive = values.filter((value) => Number.isFinite(value) && value > 0);
  const [low, high] = positive.length === 0 ? [1, 10] : [Math.min(...positive), Math.max(...positive)];
  const fine = Math.log10(high / low) < 2;
  const marks = fine ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const mark of marks) ticks.push(power < 0 ? mark / 10 ** -power : mark * 10 ** power);
  }
  const first = ticks.findLastIndex((tick) => tick <= low * 1.000001);
  let last = ticks.findIndex((tick) => tick >= high / 1.000001);
  if (last <= first) last = Math.min(ticks.length - 1, first + 1);
  const used = ticks.slice(first, last + 1);
  const [bottom = 1, top = 10] = [used[0], used.at(-1)];
  const span = Math.log10(top / bottom) || 1;
  return {
    at: (value) =>
      Number.isFinite(value) && value > 0 ? from + ((to - from) * Math.log10(value / bottom)) / span : undefined,
    ticks: used,
  };
}
