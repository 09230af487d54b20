import { describe, expect, test } from 'vitest';
import { METRICS, Metrics } from '../../../src/observe/metrics.ts';
import type { MetricSpec } from '../../../src/observe/metric-spec.ts';
import { KUBE_PROXY_METRICS } from '../../support/kube-proxy-metrics.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

const MODES = ['iptables', 'ipvs', 'nftables'] as const;

const SPECS = Object.entries<MetricSpec>(METRICS);

/** Gives every metric of the table one value, so that its labels and buckets show. */
function fill(metrics: Metrics): void {
  for (const [name, { type, labels }] of SPECS) {
    const values = Object.fromEntries(labels.map((label) => [label, 'x']));
    // The names come from the table that the types are made of.
    if (type === 'counter') metrics.increment(name as 'kubeproxy_proxy_healthz_total', values as { code: string });
    else if (type === 'gauge') metrics.set(name as 'sluice_skipped_objects', values as { kind: string }, 1);
    else metrics.observe(name as 'sluice_event_loop_delay_seconds', values, 0.5);
  }
}

function labelsOf(samples: ReadonlyMap<string, number>): readonly string[] {
  const names = [...samples.keys()].flatMap((sample) =>
    Array.from(sample.matchAll(/([a-z_]+)="/g), ([, name = '']) => name),
  );
  return [...new Set(names)].filter((name) => name !== 'le').sort();
}

function boundsOf(samples: ReadonlyMap<string, number>): readonly number[] {
  const bounds = [...samples.keys()].flatMap((sample) =>
    Array.from(sample.matchAll(/le="([^"+]+)"/g), ([, bound]) => Number(bound)),
  );
  return [...new Set(bounds)].sort((a, b) => a - b);
}

describe.each(MODES)('the metrics in mode %s', (mode) => {
  test('have every metric of kube-proxy with the same type, labels and buckets, and none of another mode', async () => {
    const metrics = new Metrics({ mode, processMetrics: true });
    fill(metrics);
    const scrape = parseScrape(await metrics.text());
    const expected = Object.entries(KUBE_PROXY_METRICS).filter(([, { modes }]) => modes?.includes(mode) ?? true);
    const actual = expected.map(([name, { bounds }]) => {
      const { type, samples } = scrape.get(name) ?? { type: 'absent', samples: new Map<string, number>() };
      return [
        name,
        { type, labels: labelsOf(samples), ...(bounds === undefined ? {} : { bounds: boundsOf(samples) }) },
      ];
    });
    const wanted = expected.map(([name, { type, labels, bounds }]) => [
      name,
      { type, labels, ...(bounds && { bounds }) },
    ]);
    expect(actual).toEqual(wanted);
    const kubeProxys = [...scrape.keys()].filter((name) => /^(kubeproxy|rest_client)_/.test(name)).sort();
    const known = expected.map(([name]) => name).filter((name) => /^(kubeproxy|rest_client)_/.test(name));
    expect(kubeProxys).toEqual(known.sort());
  });
});

describe('the table of metrics', () => {
  test.each(SPECS)('%s keeps the conventions', (name, { type, help, labels, buckets }) => {
    expect(name).toMatch(/^(kubeproxy|rest_client|kubernetes|sluice)(_[a-z]+)+$/);
    expect(help).toMatch(/^\S.*[^.\s]$/);
    expect(labels).not.toContain('le');
    expect(buckets !== undefined).toBe(type === 'histogram');
    expect(buckets ?? []).toEqual([...new Set(buckets)].sort((a, b) => a - b));
    if (name.startsWith('sluice_')) expect(name.endsWith('_total')).toBe(type === 'counter');
  });
});

describe('Metrics', () => {
  const nftables = () => new Metrics({ mode: 'nftables' });
  const read = async (metrics: Metrics, sample: string) => sampleOf(parseScrape(await metrics.text()), sample);

  test('counters per family begin at zero, so that the first increase is seen', async () => {
    const metrics = nftables();
    expect(await read(metrics, 'sluice_refused_batches_total{ip_family="IPv6"}')).toBe(0);
    metrics.increment('sluice_refused_batches_total', { ip_family: 'IPv6' });
    metrics.increment('sluice_refused_batches_total', { ip_family: 'IPv6' }, 2);
    expect(await read(metrics, 'sluice_refused_batches_total{ip_family="IPv6"}')).toBe(3);
  });

  test('what the kernel counts has no value until one is told, and none again when it cannot be known', async () => {
    const metrics = new Metrics({ mode: 'iptables' });
    const name = 'kubeproxy_iptables_ct_state_invalid_dropped_packets_total';
    expect(parseScrape(await metrics.text()).get(name)?.type).toBe('counter');
    expect(await read(metrics, name)).toBeUndefined();
    metrics.setTotal(name, {}, 7);
    metrics.setTotal(name, {}, 12);
    expect(await read(metrics, name)).toBe(12);
    metrics.setTotal(name, {}, undefined);
    expect(await read(metrics, name)).toBeUndefined();
  });

  test('values for metrics of another mode are forgotten', async () => {
    const metrics = nftables();
    metrics.setTotal('kubeproxy_iptables_ct_state_invalid_dropped_packets_total', {}, 1);
    metrics.increment('kubeproxy_sync_proxy_rules_iptables_restore_failures_total', { ip_family: 'IPv4' });
    metrics.set('kubeproxy_sync_proxy_rules_iptables_total', { ip_family: 'IPv4', table: 'nat' }, 1);
    expect(await metrics.text()).not.toContain('iptables');
  });

  test('gauges can be removed one by one and all at once', async () => {
    const metrics = nftables();
    for (const kind of ['Service', 'Node', 'EndpointSlice']) metrics.set('sluice_skipped_objects', { kind }, 3);
    metrics.set('sluice_skipped_objects', { kind: 'Node' }, undefined);
    const samples = async () => [
      ...(parseScrape(await metrics.text())
        .get('sluice_skipped_objects')
        ?.samples.keys() ?? []),
    ];
    expect(await samples()).toEqual([
      'sluice_skipped_objects{kind="Service"}',
      'sluice_skipped_objects{kind="EndpointSlice"}',
    ]);
    metrics.clear('sluice_skipped_objects');
    expect(await samples()).toEqual([]);
  });

  test('hooks run before a scrape; one that fails or hangs does not keep the others from it', async () => {
    const metrics = nftables();
    metrics.beforeScrape(() => {
      throw new Error('no');
    });
    metrics.beforeScrape(() => Promise.reject(new Error('no')));
    metrics.beforeScrape(() => new Promise(() => {}));
    metrics.beforeScrape(async () => {
      await Promise.resolve();
      metrics.set('sluice_skipped_objects', { kind: 'Service' }, 5);
    });
    expect(await read(metrics, 'sluice_skipped_objects{kind="Service"}')).toBe(5);
  });

  test('label values are escaped', async () => {
    const metrics = nftables();
    metrics.set('sluice_skipped_objects', { kind: 'a"b\\c\nd' }, 1);
    expect(await metrics.text()).toContain('sluice_skipped_objects{kind="a\\"b\\\\c\\nd"} 1');
  });

  test('/metrics/slis has its own metrics, which can be reset', async () => {
    const metrics = nftables();
    metrics.increment('kubernetes_healthchecks_total', { name: 'proxy', type: 'livez', status: 'success' });
    expect(await metrics.text()).not.toContain('kubernetes_healthcheck');
    const sample = 'kubernetes_healthchecks_total{name="proxy",status="success",type="livez"}';
    expect(sampleOf(parseScrape(await metrics.slisText()), sample)).toBe(1);
    metrics.resetSlis();
    expect(sampleOf(parseScrape(await metrics.slisText()), sample)).toBeUndefined();
  });
});
