import { spellLoad, spellMachine } from '../machine.ts';
import { spell, spellCell } from '../units.ts';
import { drawChart } from './chart.ts';
import { element, escapeText } from './markup.ts';
import type { BenchReport, Chart, Section, Skipped, Table, TargetVerdict } from './report.ts';
import { CHART_STYLE, COLOUR_STYLE, PAGE_STYLE } from './style.ts';
import { measuredTargets, verdictOf } from './verdict.ts';

/** One page of HTML with everything in it: it needs no network, no script, and reads well on paper. */
export function reportPage(reports: readonly BenchReport[]): string {
  const title = `sluice: ${reports.map((report) => report.title.toLowerCase()).join(', ')}`;
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    element('title', {}, escapeText(title)),
    element('style', {}, COLOUR_STYLE + CHART_STYLE + PAGE_STYLE),
  ];
  const body = reports.map(reportArticle).join('\n');
  return `<!doctype html>\n${element('html', { lang: 'en' }, element('head', {}, ...head), '\n', element('body', {}, body))}\n`;
}

function reportArticle(report: BenchReport): string {
  const { title, summary, command, seed, startedAt, durationMs, machine, method, targets, skipped, sections } = report;
  const facts = [
    spellMachine(machine),
    `${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${spell(durationMs, 'ms')}, seed ${seed}, ${spellLoad(machine)}`,
  ];
  return element(
    'article',
    {},
    element('h1', {}, escapeText(title)),
    ...facts.map((fact) => element('p', { class: 'facts' }, escapeText(fact))),
    element('p', { class: 'facts' }, element('code', {}, escapeText(command))),
    element('p', {}, escapeText(summary)),
    targetsPart(targets),
    ...sections.map(sectionPart),
    skippedPart(skipped),
    element('h2', {}, 'How it was measured'),
    list(method),
  );
}

function sectionPart({ title, text, charts, tables }: Section): string {
  return element(
    'section',
    {},
    element('h2', {}, escapeText(title)),
    text === undefined ? '' : element('p', {}, escapeText(text)),
    charts.length === 0 ? '' : element('div', { class: 'charts' }, ...charts.map(figure)),
    ...tables.map(tablePart),
  );
}

function figure(chart: Chart): string {
  return element('figure', {}, element('figcaption', {}, escapeText(chart.title)), drawChart(chart));
}

function tablePart({ title, columns, rows }: Table): string {
  const classOf = (i: number): string | undefined => (columns[i]?.unit === undefined ? undefined : 'number');
  const cells = (name: 'th' | 'td', texts: readonly string[]): string =>
    element('tr', {}, ...texts.map((text, i) => element(name, { class: classOf(i) }, escapeText(text))));
  const head = cells(
    'th',
    columns.map(({ heading }) => heading),
  );
  const body = rows.map((row) =>
    cells(
      'td',
      row.map((cell, i) => spellCell(cell, columns[i]?.unit)),
    ),
  );
  const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...body));
  return element('h3', {}, escapeText(title)) + element('div', { class: 'scroll' }, table);
}

function targetsPart(targets: readonly TargetVerdict[]): string {
  if (targets.length === 0) return '';
  const { measured, rest } = measuredTargets(targets);
  const rows = measured.map((target) => {
    const { name, atMost, value, unit } = target;
    const verdict = verdictOf(target);
    return element(
      'tr',
      {},
      element('td', { class: verdict }, verdict),
      element('td', {}, escapeText(name)),
      element('td', { class: 'number' }, `≤ ${spell(atMost, unit)}`),
      element('td', { class: 'number' }, spell(value, unit)),
    );
  });
  const head = element(
    'tr',
    {},
    '<th></th><th>target</th><th class="number">wanted</th><th class="number">measured</th>',
  );
  const table = element('table', {}, element('thead', {}, head), element('tbody', {}, ...rows));
  const remark = rest === undefined ? '' : element('p', { class: 'facts' }, rest);
  return (
    element('h2', {}, 'Targets') + (measured.length === 0 ? '' : element('div', { class: 'scroll' }, table)) + remark
  );
}

function skippedPart(skipped: readonly Skipped[]): string {
  if (skipped.length === 0) return '';
  return element('h2', {}, 'Left out') + list(skipped.map(({ what, reason }) => `${what}: ${reason}`));
}

function list(lines: readonly string[]): string {
  return element('ul', {}, ...lines.map((line) => element('li', {}, escapeText(line))));
}
