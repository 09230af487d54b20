import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { METRICS } from '../../../src/observe/metrics.ts';
import type { MetricSpec } from '../../../src/observe/metric-spec.ts';
import { Metrics } from '../../../src/observe/metrics.ts';
import { groupingIn, metricsIn } from '../../support/promql.ts';
import { parseScrape } from '../../support/scrape.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } | string }[];
  };
}

const folder = new URL('../../../deploy/observability/', import.meta.url);
const rulesText = readFileSync(new URL('prometheus-rules.yaml', folder), 'utf8');
const rulesFile = parse(rulesText) as { spec: { groups: { rules: Rule[] }[] } };
const rules = rulesFile.spec.groups.flatMap((group) => group.rules);
const dashboardText = readFileSync(new URL('grafana-dashboard.json', folder), 'utf8');
const dashboard = JSON.parse(dashboardText) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const targets = panels.flatMap(({ title, targets: list = [] }) => list.map((target) => ({ title, ...target })));
const variables = dashboard.templating.list.map(({ name, query }) => ({
  name,
  query: typeof query === 'string' ? query : query.query,
}));

/** What every series has from the scrape. */
const SCRAPE_LABELS = ['job', 'instance'];

const exported = new Map<string, MetricSpec>(Object.entries<MetricSpec>(METRICS));
for (const [name, { type, help }] of parseScrape(
  await new Metrics({ mode: 'nftables', processMetrics: true }).text(),
)) {
  if (!exported.has(name)) exported.set(name, { type: type as MetricSpec['type'], help, labels: [] });
}

function specOf(used: string): MetricSpec | undefined {
  const plain = exported.get(used);
  if (plain !== undefined) return plain.type === 'histogram' ? undefined : plain;
  const histogram = exported.get(used.replace(/_(?:bucket|sum|count)$/, ''));
  return histogram?.type === 'histogram' ? histogram : undefined;
}

/** Everything that is wrong with how an expression uses metrics and labels. */
function complaintsAbout(expression: string): readonly string[] {
  const uses = metricsIn(expression.replaceAll('$__rate_interval', '5m'));
  const complaints = uses.length === 0 ? ['uses no metric'] : [];
  const known = new Set(SCRAPE_LABELS);
  for (const { name, labels } of uses) {
    const spec = specOf(name);
    if (spec === undefined) complaints.push(`there is no metric ${name}`);
    for (const label of [...(spec?.labels ?? []), ...(name.endsWith('_bucket') ? ['le'] : [])]) known.add(label);
    const unknown = labels.filter((label) => !SCRAPE_LABELS.includes(label) && spec?.labels.includes(label) !== true);
    complaints.push(...unknown.map((label) => `${name} has no label ${label}`));
  }
  complaints.push(
    ...groupingIn(expression)
      .filter((label) => !known.has(label))
      .map((label) => `no metric here has a label ${label}`),
  );
  return complaints;
}

describe('complaintsAbout finds', () => {
  test.each([
    ['sluice_infos', ['there is no metric sluice_infos']],
    [
      'rate(kubeproxy_sync_proxy_rules_duration_seconds[5m])',
      ['there is no metric kubeproxy_sync_proxy_rules_duration_seconds'],
    ],
    ['sluice_conflicts_bucket', ['there is no metric sluice_conflicts_bucket']],
    ['sluice_conflicts{kind="x", job="y"}', ['sluice_conflicts has no label kind']],
    ['sum by (kind, instance) (sluice_conflicts)', ['no metric here has a label kind']],
    ['vector(0)', ['uses no metric']],
    ['histogram_quantile(0.9, sum by (le, stage) (rate(sluice_sync_stage_duration_seconds_bucket{job="a"}[5m])))', []],
    ['topk(5, process_resident_memory_bytes and on (job, instance) sluice_info)', []],
  ])('%s', (expression, complaints) => {
    expect(complaintsAbout(expression)).toEqual(complaints);
  });
});

describe('the alerts', () => {
  test.each(rules)('$alert uses metrics and labels that exist', ({ expr, annotations }) => {
    expect(complaintsAbout(expr)).toEqual([]);
    const shown = Object.values(annotations).flatMap((text) =>
      Array.from(text.matchAll(/\$labels\.(\w+)/g), ([, label = '']) => label),
    );
    const uses = metricsIn(expr).flatMap(({ name }) => specOf(name)?.labels ?? []);
    expect(shown.filter((label) => ![...SCRAPE_LABELS, ...uses].includes(label))).toEqual([]);
  });

  test.each(rules)('$alert says how bad it is, what it means and when', (rule) => {
    expect(rule.alert).toMatch(/^Sluice[A-Z][A-Za-z]+$/);
    expect(['critical', 'warning', 'info']).toContain(rule.labels['severity']);
    expect(rule.for).toMatch(/^\d+m$/);
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description']);
    expect(rule.annotations['summary']).toMatch(/^[^\n]+[^.\n]$/);
  });

  test('have different names', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});

describe('the dashboard', () => {
  test.each(targets)('$title: $legendFormat', ({ expr, legendFormat }) => {
    expect(complaintsAbout(expr)).toEqual([]);
    // Every metric of every panel follows the variables, so that one cluster's nodes are not mixed with another's.
    for (const { labels } of metricsIn(expr)) expect(labels).toEqual(expect.arrayContaining(SCRAPE_LABELS));
    const grouped = new Set([...groupingIn(expr), ...(expr.startsWith('topk') ? SCRAPE_LABELS : [])]);
    const shown = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label]) => label);
    expect(shown.filter((label) => label === undefined || !grouped.has(label))).toEqual([]);
  });

  test('its variables are defined, and asked of metrics that exist', () => {
    const used = new Set(Array.from(dashboardText.matchAll(/\$\{?([a-z]\w*)/g), ([, name = '']) => name));
    expect([...used].sort()).toEqual(variables.map(({ name }) => name).sort());
    for (const { query } of variables) {
      const [, series] = /^label_values\((.+), \w+\)$/.exec(query) ?? [];
      if (series !== undefined) expect(complaintsAbout(series)).toEqual([]);
    }
  });

  test('its panels have different numbers, a description, and do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(panels.filter(({ description = '' }) => description === '')).toEqual([]);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(dashboard.panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  test('every sluice_ metric is in the dashboard', () => {
    const shown = new Set(
      targets.flatMap(({ expr }) => metricsIn(expr).map(({ name }) => name.replace(/_(?:bucket|sum|count)$/, ''))),
    );
    expect(Object.keys(METRICS).filter((name) => name.startsWith('sluice_') && !shown.has(name))).toEqual([]);
  });
});
