import { assertNever } from '../../base/errors.ts';
import { spell, spellTick } from '../units.ts';
import type { LegendEntry } from './frame.ts';
import { baseline, drawing, drawXAxis, drawYAxis, legendOf, PLOT } from './frame.ts';
import { element, escapeText } from './markup.ts';
import type { BarChart, Chart, LineChart } from './report.ts';
import type { Scale } from './scale.ts';
import { scaleFor } from './scale.ts';

/** Draws a chart as an SVG element, coloured by the classes of {@link file://./style.ts}. The same chart gives the same text. */
export function drawChart(chart: Chart): string {
  switch (chart.kind) {
    case 'line':
      return drawLines(chart);
    case 'bar':
      return drawBars(chart);
    default:
      return assertNever(chart);
  }
}

const DOT_RADIUS = 4;

function drawLines(chart: LineChart): string {
  const points = chart.series.flatMap((series) => series.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const x = scaleFor(chart.x, xs, [PLOT.left + 10, PLOT.right - 10]);
  const y = scaleFor(
    chart.y,
    points.map((point) => point.y),
    [PLOT.bottom, PLOT.top],
  );
  const legend = legendOf(chart.series);
  const marks = chart.series.map((series, i) => {
    const { className = '' } = legend[i] ?? {};
    const placed = series.points
      .toSorted((a, b) => a.x - b.x)
      .flatMap((point) => {
        const [px, py] = [x.at(point.x), y.at(point.y)];
        return px === undefined || py === undefined ? [] : [{ ...point, px, py }];
      });
    const path = placed.map(({ px, py }, nth) => `${nth === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`).join('');
    const dots = placed.map((point) => {
      const hint = `${series.name}: ${spell(point.y, chart.y.unit)} at ${spellTick(point.x)} ${chart.x.label}`;
      return element(
        'circle',
        { class: `${series.floor === true ? 'ghost' : 'dot'} ${className}`, cx: point.px, cy: point.py, r: DOT_RADIUS },
        element('title', {}, escapeText(hint)),
      );
    });
    return element('path', { class: `line ${className}`, d: path }) + dots.join('');
  });
  return drawing(chart, legend, drawYAxis(chart.y, y), drawXAxis(chart.x, x, xs), ...marks);
}

/** Bars from zero; on a logarithmic axis, where the length of a bar means nothing, dots. */
function drawBars(chart: BarChart): string {
  const values = chart.series.flatMap((series) => series.values.filter((value) => value !== null));
  const y = scaleFor(chart.y, values, [PLOT.bottom, PLOT.top]);
  const legend = legendOf(chart.series);
  const groupWidth = (PLOT.right - PLOT.left) / Math.max(1, chart.categories.length);
  const groups = chart.categories.map((category, group) => {
    const left = PLOT.left + group * groupWidth;
    const name = element(
      'text',
      { class: 'category', x: left + groupWidth / 2, y: PLOT.bottom + 20, 'text-anchor': 'middle' },
      escapeText(category),
    );
    return name + drawGroup({ chart, legend, group, y, left, width: groupWidth });
  });
  return drawing(chart, legend, drawYAxis(chart.y, y), baseline(), ...groups);
}

interface Group {
  readonly chart: BarChart;
  readonly legend: readonly LegendEntry[];
  readonly group: number;
  readonly y: Scale;
  readonly left: number;
  readonly width: number;
}

const BAR_WIDTH = 34;

function drawGroup({ chart, legend, group, y, left, width }: Group): string {
  const contenders = chart.series.filter(({ floor }) => floor !== true);
  const step = (width * 0.8) / Math.max(1, contenders.length);
  let nth = 0;
  return chart.series
    .map(({ name, values, floor }, i) => {
      const slot = floor === true ? 0 : nth++;
      const value = values[group] ?? null;
      const at = value === null ? undefined : y.at(value);
      if (value === null || at === undefined) return '';
      const { className = '' } = legend[i] ?? {};
      const said = spell(value, chart.y.unit);
      const hint = element('title', {}, escapeText(`${chart.categories[group]}, ${name}: ${said}`));
      if (floor === true) {
        return element(
          'line',
          { class: `line ${className}`, x1: left + width * 0.08, x2: left + width * 0.92, y1: at, y2: at },
          hint,
        );
      }
      const x = left + width * 0.1 + step * (slot + 0.5);
      const label = element('text', { class: 'value', x, y: at - 9, 'text-anchor': 'middle' }, escapeText(said));
      return label + mark(chart, { x, at, className, hint, width: Math.min(BAR_WIDTH, step * 0.7) });
    })
    .join('');
}

interface Mark {
  readonly x: number;
  readonly at: number;
  readonly className: string;
  readonly hint: string;
  readonly width: number;
}

function mark({ y }: BarChart, { x, at, className, hint, width }: Mark): string {
  if (y.scale === 'log')
    return element('circle', { class: `dot ${className}`, cx: x, cy: at, r: DOT_RADIUS + 1 }, hint);
  const attributes = { class: `bar ${className}`, x: x - width / 2, y: at, width, height: PLOT.bottom - at, rx: 2 };
  return element('rect', attributes, hint);
}
