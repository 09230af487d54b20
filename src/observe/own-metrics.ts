import type { MetricSpec } from './metric-spec.ts';

/** From what one map element costs to what a first load of a large cluster costs. */
const STAGE_SECONDS = [0.000_01, 0.000_05, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];

/** Around the promise that the event loop is never blocked for more than 50 ms. */
const DELAY_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** What kube-proxy has no metric for. */
export const OWN_METRICS = {
  sluice_info: { type: 'gauge', help: 'Always 1; the labels tell what is running', labels: ['version', 'proxy_mode'] },
  sluice_sync_stage_duration_seconds: {
    type: 'histogram',
    help: 'Time that one stage of a successful sync took: compile, render, encode, write',
    labels: ['stage', 'ip_family'],
    buckets: STAGE_SECONDS,
  },
  sluice_sync_changes_total: {
    type: 'counter',
    help: 'Chains, rules, map elements and the like that were written or removed',
    labels: ['ip_family'],
  },
  sluice_sync_written_bytes_total: {
    type: 'counter',
    help: 'Bytes that were fed to the tools that write rules',
    labels: ['ip_family'],
  },
  sluice_sync_failures_total: {
    type: 'counter',
    help: 'Syncs that failed and were tried again, by error code',
    labels: ['ip_family', 'code'],
  },
  sluice_refused_batches_total: {
    type: 'counter',
    help: 'Batches that the kernel refused and that were split to find the culprit',
    labels: ['ip_family'],
  },
  sluice_quarantined_services: {
    type: 'gauge',
    help: 'Service ports left as they were because the kernel refuses their rules',
    labels: ['ip_family'],
  },
  sluice_conflicts: {
    type: 'gauge',
    help: 'Destinations that more than one Service claims; the oldest has them',
    labels: ['ip_family'],
  },
  sluice_skipped_objects: {
    type: 'gauge',
    help: 'Objects that are left out because they cannot be understood',
    labels: ['kind'],
  },
  sluice_service_ports: { type: 'gauge', help: 'Service ports that are programmed', labels: ['ip_family'] },
  sluice_endpoints: { type: 'gauge', help: 'Endpoints of the programmed service ports', labels: ['ip_family'] },
  sluice_freshness_age_seconds: {
    type: 'gauge',
    help: 'Time since the source last proved that nothing newer exists (an event, a bookmark, a list)',
    labels: ['resource'],
  },
  sluice_coalesced_events_total: {
    type: 'counter',
    help: 'Changes that needed no sync of their own, because they arrived while another was being written',
    labels: [],
  },
  sluice_drift_repairs_total: {
    type: 'counter',
    help: 'Objects in the kernel that somebody else had changed and that were put right',
    labels: ['ip_family'],
  },
  sluice_dns_intercepting: {
    type: 'gauge',
    help: 'Whether DNS queries of this node are answered here (1) or by the DNS of the cluster (0)',
    labels: [],
  },
  sluice_dns_restarts_total: {
    type: 'counter',
    help: 'How often threads that answer DNS queries ended by themselves and others were started',
    labels: [],
  },
  sluice_event_loop_delay_seconds: {
    type: 'histogram',
    help: 'The longest delay of the event loop in each second',
    labels: [],
    buckets: DELAY_SECONDS,
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;
