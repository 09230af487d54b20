import { spell, spellTick } from '../units.ts';
import { element, escapeText } from './markup.ts';
import type { Axis, Chart, Unit } from './report.ts';
import type { Scale } from './scale.ts';

/** All charts have the same size, so that they can be compared. In SVG's own units; the page scales them. */
export const CHART = { width: 640, height: 340, left: 78, right: 16, top: 18, bottom: 52, legend: 20 } as const;

/** How many series have a colour of their own; more of them begin again. */
const COLOURS = 8;

/** Where data are drawn. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** What the legend shows of a series. */
export interface LegendEntry {
  readonly name: string;
  readonly className: string;
  readonly floor: boolean;
}

/** Room for the data above the axis and below the legend. */
export const PLOT: Plot = {
  left: CHART.left,
  right: CHART.width - CHART.right,
  top: CHART.top + CHART.legend,
  bottom: CHART.height - CHART.bottom,
};

/** Each series has the next colour; a floor has that of the series whose name it begins with, or none. */
export function legendOf(
  series: readonly { readonly name: string; readonly floor?: boolean }[],
): readonly LegendEntry[] {
  const contenders = series.filter(({ floor }) => floor !== true);
  return series.map(({ name, floor = false }) => {
    const nth = contenders.findIndex((one) => one.name === name || (floor && name.startsWith(`${one.name}:`)));
    const colour = nth < 0 ? 'neutral' : `s${(nth % COLOURS) + 1}`;
    return { name, floor, className: floor ? `${colour} floor` : colour };
  });
}

/** The whole picture: title for those who cannot see it, legend, marks. */
export function drawing(chart: Chart, legend: readonly LegendEntry[], ...marks: readonly string[]): string {
  return element(
    'svg',
    { class: 'chart', viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: 'img' },
    element('title', {}, escapeText(chart.title)),
    drawLegend(legend, chart.kind),
    ...marks,
  );
}

/** Lines across the plot at every tick, with their values; the axis' label above them. */
export function drawYAxis(axis: Axis, scale: Scale): string {
  const lines = scale.ticks.flatMap((tick) => {
    const y = scale.at(tick);
    if (y === undefined) return [];
    return [
      element('line', { class: 'grid', x1: PLOT.left, x2: PLOT.right, y1: y, y2: y }),
      element('text', { class: 'tick', x: PLOT.left - 8, y: y + 4, 'text-anchor': 'end' }, tickText(tick, axis.unit)),
    ];
  });
  const middle = (PLOT.top + PLOT.bottom) / 2;
  const label = element(
    'text',
    { class: 'label', x: 0, y: 0, transform: `translate(13 ${middle}) rotate(-90)`, 'text-anchor': 'middle' },
    escapeText(axis.label),
  );
  return [...lines, label].join('');
}

/** The values that there are, because they are few and chosen. */
export function drawXAxis(axis: Axis, scale: Scale, values: readonly number[]): string {
  const ticks = values.flatMap((value) => {
    const x = scale.at(value);
    if (x === undefined) return [];
    return element('text', { class: 'tick', x, y: PLOT.bottom + 18, 'text-anchor': 'middle' }, spellTick(value));
  });
  return [baseline(), ...ticks, xLabel(axis.label)].join('');
}

export function baseline(): string {
  return element('line', { class: 'axis', x1: PLOT.left, x2: PLOT.right, y1: PLOT.bottom, y2: PLOT.bottom });
}

function xLabel(text: string): string {
  const x = (PLOT.left + PLOT.right) / 2;
  return element('text', { class: 'label', x, y: PLOT.bottom + 40, 'text-anchor': 'middle' }, escapeText(text));
}

/** Milliseconds become seconds by themselves; other units are said once per tick, too. */
function tickText(value: number, unit: Unit): string {
  return escapeText(unit === 'count' ? spellTick(value) : spell(value, unit));
}

/** Good enough for a sans-serif of 12 units. */
const CHARACTER_WIDTH = 6.3;

function drawLegend(entries: readonly LegendEntry[], kind: Chart['kind']): string {
  let x: number = PLOT.left;
  return entries
    .map(({ name, className, floor }) => {
      const ends = { x1: x, x2: x + 18, y1: CHART.top, y2: CHART.top };
      const mark = floor || kind === 'line' ? element('line', { class: `line ${className}`, ...ends }) : '';
      const dot = floor ? '' : element('circle', { class: `dot ${className}`, cx: x + 9, cy: CHART.top, r: 4 });
      const text = element('text', { class: 'legend', x: x + 24, y: CHART.top + 4 }, escapeText(name));
      x += 24 + name.length * CHARACTER_WIDTH + 18;
      return mark + dot + text;
    })
    .join('');
}
