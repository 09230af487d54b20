import { spellMachine } from '../machine.ts';
import { drawChart } from './chart.ts';
import { CHART } from './frame.ts';
import { element, escapeText } from './markup.ts';
import type { BenchReport, Chart } from './report.ts';
import { CHART_STYLE, COLOUR_STYLE } from './style.ts';

const COLUMNS = 2;
const HEADING = 30;
const FOOTER = 28;
const GAP = 16;

/** Charts of a report beside one another in one SVG that stands for itself, for a README; the machine is named below. */
export function reportPicture(report: BenchReport, charts: readonly Chart[]): string {
  const columns = Math.min(COLUMNS, Math.max(1, charts.length));
  const cell = { width: CHART.width + GAP, height: HEADING + CHART.height + GAP };
  const [width, height] = [columns * cell.width, Math.ceil(charts.length / columns) * cell.height + FOOTER];
  const parts = charts.map((chart, i) => {
    const x = (i % columns) * cell.width;
    const y = Math.floor(i / columns) * cell.height;
    const heading = element('text', { class: 'heading', x: 16, y: 20 }, escapeText(chart.title));
    const drawn = drawChart(chart).replace(
      '<svg ',
      `<svg y="${HEADING}" width="${CHART.width}" height="${CHART.height}" `,
    );
    return element('g', { transform: `translate(${x} ${y})` }, heading, drawn);
  });
  const machine = element('text', { x: 16, y: height - 10 }, escapeText(spellMachine(report.machine)));
  return `${element(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height },
    element('style', {}, COLOUR_STYLE + CHART_STYLE),
    element('rect', { width, height, fill: 'var(--paper)' }),
    ...parts,
    machine,
  )}\n`;
}

/** The charts with these titles, in this order; every chart when none is named. */
export function chartsNamed(report: BenchReport, titles: readonly string[]): readonly Chart[] {
  const charts = report.sections.flatMap((section) => section.charts);
  return titles.length === 0
    ? charts
    : titles.flatMap((title) => charts.filter((chart) => chart.title.includes(title)));
}
