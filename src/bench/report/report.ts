import type { Machine } from '../machine.ts';

/** Told to readers of the JSON; another number when a field changes its meaning. */
export const REPORT_FORMAT = 'sluice-bench/1';

/** What a number is of; decides how people see it. */
export type Unit = 'ms' | 'bytes' | 'count' | 'per-second' | 'seconds' | 'ratio' | 'percent';

/** `null`: not measured, or there is no such thing. */
export type Cell = string | number | null;

export interface Column {
  readonly heading: string;
  /** Of its numbers; a column without one holds text. */
  readonly unit?: Unit;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  /** One cell per column. */
  readonly rows: readonly (readonly Cell[])[];
}

export interface Axis {
  readonly label: string;
  readonly unit: Unit;
  /** Logarithmic where sizes span decades; values of 0 or less have no place on it and are left out. */
  readonly scale: 'linear' | 'log';
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** A bound rather than a contender (kernel floor, direct connection): drawn as a dashed line, without dots. Default false. */
  readonly floor?: boolean;
}

/** Lines over a number: size, load. */
export interface LineChart {
  readonly kind: 'line';
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

/** Bars side by side: one group per category, one bar per series in it. */
export interface BarChart {
  readonly kind: 'bar';
  readonly title: string;
  readonly categories: readonly string[];
  readonly y: Axis;
  /** One value per category; `null` leaves the place empty. A `floor` is a line across the group. */
  readonly series: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
    readonly floor?: boolean;
  }[];
}

export type Chart = LineChart | BarChart;

/** A part of the report under a heading of its own. */
export interface Section {
  readonly title: string;
  /** What is seen here, for a reader who has not read the code. */
  readonly text?: string;
  readonly charts: readonly Chart[];
  readonly tables: readonly Table[];
}

/** What was promised, and what came out. */
export interface TargetVerdict {
  /** `nft: 10,000 Services × 4, cold load, median`. */
  readonly name: string;
  /** The measured value may be this much. */
  readonly atMost: number;
  /** `null` when this run has no such case. */
  readonly value: number | null;
  readonly unit: Unit;
}

/** What could not be measured here, and why. */
export interface Skipped {
  readonly what: string;
  readonly reason: string;
}

/**
 * The result of one benchmark in the one form that terminal, JSON and HTML page are made of. `details` has everything that was
 * measured, for programs; the rest is for people.
 */
export interface BenchReport<Details = unknown> {
  readonly format: typeof REPORT_FORMAT;
  /** `sync`, `packets`, `compare`, … */
  readonly bench: string;
  readonly title: string;
  /** One or two sentences: what this measures. */
  readonly summary: string;
  /** The command line that does it again. */
  readonly command: string;
  readonly seed: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly machine: Machine;
  /** How it was measured: one sentence each. */
  readonly method: readonly string[];
  readonly targets: readonly TargetVerdict[];
  readonly skipped: readonly Skipped[];
  readonly sections: readonly Section[];
  readonly details: Details;
}
