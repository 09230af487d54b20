import { describe, expect, test } from 'vitest';
import { Metrics } from '../../../src/observe/metrics.ts';
import type { ProxyMode } from '../../../src/observe/metric-spec.ts';
import { Recorder } from '../../../src/observe/recorder.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { parseScrape, sampleOf } from '../../support/scrape.ts';

function setUp(mode: ProxyMode = 'nftables') {
  const clock = new FakeClock();
  const metrics = new Metrics({ mode });
  const recorder = new Recorder({ metrics, clock });
  const read = async (sample: string) => sampleOf(parseScrape(await metrics.text()), sample);
  return { clock, recorder, read, text: () => metrics.text() };
}

const SYNC = { family: 'IPv4', full: false, stagesMs: { compile: 1, render: 2, write: 4 }, changes: 3 } as const;

describe('recordSync', () => {
  test('adds the stages up, and tells full syncs from partial ones', async () => {
    const { recorder, read } = setUp();
    recorder.recordSync(SYNC);
    recorder.recordSync({ ...SYNC, full: true, stagesMs: { write: 1000 } });
    expect(await read('kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"}')).toBe(2);
    expect(await read('kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family="IPv4"}')).toBeCloseTo(1.007);
    expect(await read('kubeproxy_sync_partial_proxy_rules_duration_seconds_sum{ip_family="IPv4"}')).toBeCloseTo(0.007);
    expect(await read('kubeproxy_sync_full_proxy_rules_duration_seconds_sum{ip_family="IPv4"}')).toBe(1);
    expect(await read('sluice_sync_stage_duration_seconds_sum{ip_family="IPv4",stage="render"}')).toBe(0.002);
    expect(await read('sluice_sync_stage_duration_seconds_count{ip_family="IPv4",stage="write"}')).toBe(2);
    expect(await read('kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv6"}')).toBeUndefined();
  });

  test('counts what was written and notes when', async () => {
    const { recorder, read, clock } = setUp();
    recorder.recordSync({ ...SYNC, writtenBytes: 100 });
    await clock.advance(5000);
    recorder.recordSync(SYNC);
    expect(await read('sluice_sync_changes_total{ip_family="IPv4"}')).toBe(6);
    expect(await read('sluice_sync_written_bytes_total{ip_family="IPv4"}')).toBe(100);
    const lastS = await read('kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"}');
    expect(lastS).toBe(Date.UTC(2026, 0, 1, 0, 0, 6) / 1000);
  });

  test.each([
    ['a change before this process started does not count', -1, 0, 0],
    ['one at its start does', 0, 1, 30],
    ['one since then counts from when it happened', 28_000, 1, 2],
    ['one from the future (clocks differ) took no time', 31_000, 1, 0],
  ])('network programming time: %s', async (_, triggerMs, count, sum) => {
    const { recorder, read, clock } = setUp();
    const startMs = clock.dateMs();
    await clock.advance(30_000);
    recorder.recordSync({ ...SYNC, triggerDatesMs: [startMs + triggerMs] });
    const name = 'kubeproxy_network_programming_duration_seconds';
    expect(await read(`${name}_count{ip_family="IPv4"}`)).toBe(count === 0 ? undefined : count);
    expect(await read(`${name}_sum{ip_family="IPv4"}`)).toBe(count === 0 ? undefined : sum);
  });
});

describe('recordFailure', () => {
  const restore = 'kubeproxy_sync_proxy_rules_iptables_restore_failures_total';
  const partial = 'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total';
  const nft = 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total';

  test.each([
    ['nftables', false, { [nft]: 1 }],
    ['nftables', true, { [nft]: 1 }],
    ['iptables', false, { [restore]: 1, [partial]: 1 }],
    ['iptables', true, { [restore]: 1, [partial]: 0 }],
    ['ipvs', false, { [restore]: 1 }],
  ] as const)('%s, full %s', async (mode, full, expected) => {
    const { recorder, read } = setUp(mode);
    recorder.recordFailure({ family: 'IPv6', code: 'kernel-refused', full });
    expect(await read('sluice_sync_failures_total{code="kernel-refused",ip_family="IPv6"}')).toBe(1);
    for (const name of [restore, partial, nft]) {
      expect(await read(`${name}{ip_family="IPv6"}`)).toBe((expected as Record<string, number>)[name]);
    }
  });
});

describe('changes', () => {
  test('are pending until a sync that began after them has written them', async () => {
    const { recorder, read } = setUp();
    const pending = async () => [
      await read('kubeproxy_sync_proxy_rules_service_changes_pending'),
      await read('kubeproxy_sync_proxy_rules_endpoint_changes_pending'),
    ];
    recorder.changesArrived({ services: 1, endpoints: 2 });
    expect(await pending()).toEqual([1, 2]);
    recorder.syncStarted();
    recorder.changesArrived({ endpoints: 5 });
    expect(await pending()).toEqual([1, 7]);
    recorder.changesWritten();
    expect(await pending()).toEqual([0, 5]);
    expect(await read('kubeproxy_sync_proxy_rules_service_changes_total')).toBe(1);
    expect(await read('kubeproxy_sync_proxy_rules_endpoint_changes_total')).toBe(7);
  });

  test('of a failed sync stay pending and are not counted twice', async () => {
    const { recorder, read } = setUp();
    recorder.changesArrived({ endpoints: 2 });
    recorder.syncStarted();
    recorder.changesArrived({ endpoints: 1 });
    recorder.syncStarted();
    recorder.changesWritten();
    recorder.changesWritten();
    expect(await read('kubeproxy_sync_proxy_rules_endpoint_changes_pending')).toBe(0);
    expect(await read('sluice_coalesced_events_total')).toBe(2);
  });

  test('are coalesced when several go into one sync', async () => {
    const { recorder, read } = setUp();
    for (const endpoints of [1, 4, 0]) {
      recorder.changesArrived({ endpoints });
      recorder.syncStarted();
      recorder.changesWritten();
    }
    expect(await read('sluice_coalesced_events_total')).toBe(3);
  });
});

describe('the other records', () => {
  test('counts after a sync are those of the newest sync', async () => {
    const { recorder, read } = setUp();
    const counts = { servicePorts: 9, endpoints: 30, quarantined: 2, conflicts: 1 };
    recorder.recordServiceCounts('IPv4', counts);
    recorder.recordServiceCounts('IPv4', { ...counts, quarantined: 0, noLocalEndpoints: { internal: 3, external: 4 } });
    expect(await read('sluice_service_ports{ip_family="IPv4"}')).toBe(9);
    expect(await read('sluice_endpoints{ip_family="IPv4"}')).toBe(30);
    expect(await read('sluice_quarantined_services{ip_family="IPv4"}')).toBe(0);
    expect(await read('sluice_conflicts{ip_family="IPv4"}')).toBe(1);
    const name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total';
    expect(await read(`${name}{ip_family="IPv4",traffic_policy="internal"}`)).toBe(3);
    expect(await read(`${name}{ip_family="IPv4",traffic_policy="external"}`)).toBe(4);
  });

  test('freshness goes on ageing when nobody reports', async () => {
    const { recorder, read, clock } = setUp();
    recorder.recordFreshness('services', 2000);
    await clock.advance(3000);
    recorder.recordFreshness('nodes', 0);
    await clock.advance(1000);
    expect(await read('sluice_freshness_age_seconds{resource="services"}')).toBe(6);
    expect(await read('sluice_freshness_age_seconds{resource="nodes"}')).toBe(1);
  });

  test('skipped objects of a kind disappear when there are none any more', async () => {
    const { recorder, read } = setUp();
    recorder.recordSkippedObjects(
      new Map([
        ['Service', 2],
        ['Node', 1],
      ]),
    );
    recorder.recordSkippedObjects(new Map([['Service', 1]]));
    expect(await read('sluice_skipped_objects{kind="Service"}')).toBe(1);
    expect(await read('sluice_skipped_objects{kind="Node"}')).toBeUndefined();
  });

  test('queued syncs, refused batches, repairs, connection tracking, rules of iptables', async () => {
    const { recorder, read, clock } = setUp('iptables');
    recorder.recordQueued('IPv6');
    recorder.recordRefusedBatch('IPv6');
    recorder.recordDriftRepair('IPv6', 4);
    recorder.recordConntrack('IPv6', { durationMs: 50, deleted: 7 });
    recorder.recordIptablesRules('IPv6', 'nat', { total: 100, last: 8 });
    const labels = '{ip_family="IPv6"}';
    expect(await read(`kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds${labels}`)).toBe(clock.dateMs() / 1000);
    expect(await read(`sluice_refused_batches_total${labels}`)).toBe(1);
    expect(await read(`sluice_drift_repairs_total${labels}`)).toBe(4);
    expect(await read(`kubeproxy_conntrack_reconciler_sync_duration_seconds_sum${labels}`)).toBe(0.05);
    expect(await read(`kubeproxy_conntrack_reconciler_deleted_entries_total${labels}`)).toBe(7);
    expect(await read('kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv6",table="nat"}')).toBe(100);
    expect(await read('kubeproxy_sync_proxy_rules_iptables_last{ip_family="IPv6",table="nat"}')).toBe(8);
  });

  test('build info and feature gates', async () => {
    const { recorder, read, text } = setUp();
    const features = [
      { name: 'ComponentStatusz', stage: 'BETA', enabled: true },
      { name: 'NativeHistograms', stage: 'ALPHA', enabled: false },
    ];
    recorder.describe({ version: '1.4.0-rc.1', mode: 'nftables', features });
    expect(await read('sluice_info{proxy_mode="nftables",version="1.4.0-rc.1"}')).toBe(1);
    expect(await text()).toMatch(/kubernetes_build_info\{major="1",minor="4",git_version="v1\.4\.0-rc\.1",.*\} 1/);
    expect(await read('kubernetes_feature_enabled{name="ComponentStatusz",stage="BETA"}')).toBe(1);
    expect(await read('kubernetes_feature_enabled{name="NativeHistograms",stage="ALPHA"}')).toBe(0);
  });
});
