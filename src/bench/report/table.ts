import type { Cell, Column, Table, Unit } from './report.ts';

/** A column that knows what it shows of whatever its table has a row of. */
export interface ColumnOf<Item> extends Column {
  readonly cell: (item: Item) => Cell;
}

/** A column of text. */
export function text<Item>(heading: string, cell: (item: Item) => string): ColumnOf<Item> {
  return { heading, cell };
}

/** A column of numbers; what gives `undefined` was not measured. */
export function number<Item>(
  heading: string,
  unit: Unit,
  cell: (item: Item) => number | null | undefined,
): ColumnOf<Item> {
  return { heading, unit, cell: (item) => cell(item) ?? null };
}

/** One row for each item. */
export function tableOf<Item>(title: string, items: readonly Item[], columns: readonly ColumnOf<Item>[]): Table {
  return {
    title,
    columns: columns.map(({ heading, unit }) => (unit === undefined ? { heading } : { heading, unit })),
    rows: items.map((item) => columns.map(({ cell }) => cell(item))),
  };
}
