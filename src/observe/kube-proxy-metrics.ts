import type { MetricSpec } from './metric-spec.ts';

/** 0.001 s, doubling, 15 buckets: what kube-proxy measures writes with. */
const SYNC_SECONDS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);

/** client-go's, for requests to the API server. */
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** client-go's: 64 bytes to 16 MiB. */
const REQUEST_BYTES = [64, 256, 512, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** Of the network programming latency SLO: fine up to a minute, then coarser up to five. */
const PROGRAMMING_SECONDS = [
  0.25,
  0.5,
  ...Array.from({ length: 59 }, (_, i) => 1 + i),
  ...Array.from({ length: 12 }, (_, i) => 60 + 5 * i),
  ...Array.from({ length: 7 }, (_, i) => 120 + 30 * i),
];

/** Metrics that kube-proxy and its client library have, with the same names, types, labels and buckets. */
export const KUBE_PROXY_METRICS = {
  kubeproxy_sync_proxy_rules_duration_seconds: {
    type: 'histogram',
    help: 'Time that a successful sync took, from the decision to the acknowledgement of the kernel',
    labels: ['ip_family'],
    buckets: SYNC_SECONDS,
  },
  kubeproxy_sync_full_proxy_rules_duration_seconds: {
    type: 'histogram',
    help: 'The same, of syncs that began with reading the rules in the kernel',
    labels: ['ip_family'],
    buckets: SYNC_SECONDS,
    modes: ['iptables', 'nftables'],
  },
  kubeproxy_sync_partial_proxy_rules_duration_seconds: {
    type: 'histogram',
    help: 'The same, of syncs that only wrote differences',
    labels: ['ip_family'],
    buckets: SYNC_SECONDS,
    modes: ['iptables', 'nftables'],
  },
  kubeproxy_sync_proxy_rules_last_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last successful sync ended, seconds since 1970',
    labels: ['ip_family'],
  },
  kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: {
    type: 'gauge',
    help: 'When a sync was last asked for, seconds since 1970',
    labels: ['ip_family'],
  },
  kubeproxy_network_programming_duration_seconds: {
    type: 'histogram',
    help: 'Time from the change of a pod or Service (as the control plane noted it) to its rules in the kernel',
    labels: ['ip_family'],
    buckets: PROGRAMMING_SECONDS,
  },
  kubeproxy_sync_proxy_rules_endpoint_changes_pending: {
    type: 'gauge',
    help: 'Changes of EndpointSlices that are not in the kernel yet',
    labels: [],
  },
  kubeproxy_sync_proxy_rules_endpoint_changes_total: {
    type: 'counter',
    help: 'Changes of EndpointSlices that were seen',
    labels: [],
  },
  kubeproxy_sync_proxy_rules_service_changes_pending: {
    type: 'gauge',
    help: 'Changes of Services that are not in the kernel yet',
    labels: [],
  },
  kubeproxy_sync_proxy_rules_service_changes_total: {
    type: 'counter',
    help: 'Changes of Services that were seen',
    labels: [],
  },
  kubeproxy_sync_proxy_rules_no_local_endpoints_total: {
    type: 'gauge',
    help: 'Service ports with a Local traffic policy that have endpoints, but none on this node',
    labels: ['ip_family', 'traffic_policy'],
  },
  kubeproxy_proxy_healthz_total: { type: 'counter', help: 'Answers of /healthz by code', labels: ['code'] },
  kubeproxy_proxy_livez_total: { type: 'counter', help: 'Answers of /livez by code', labels: ['code'] },
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: {
    type: 'counter',
    help: 'Packets dropped because connection tracking found them invalid',
    labels: [],
    modes: ['iptables'],
    countedElsewhere: true,
  },
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: {
    type: 'counter',
    help: 'Packets to NodePorts on 127.0.0.1',
    labels: [],
    modes: ['iptables'],
    countedElsewhere: true,
  },
  kubeproxy_sync_proxy_rules_iptables_restore_failures_total: {
    type: 'counter',
    help: 'Syncs that failed',
    labels: ['ip_family'],
    modes: ['iptables', 'ipvs'],
  },
  kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total: {
    type: 'counter',
    help: 'Syncs that failed while writing differences only',
    labels: ['ip_family'],
    modes: ['iptables'],
  },
  kubeproxy_sync_proxy_rules_iptables_total: {
    type: 'gauge',
    help: 'Rules that are ours',
    labels: ['table', 'ip_family'],
    modes: ['iptables'],
  },
  kubeproxy_sync_proxy_rules_iptables_last: {
    type: 'gauge',
    help: 'Rules that the last sync wrote',
    labels: ['table', 'ip_family'],
    modes: ['iptables'],
  },
  kubeproxy_sync_proxy_rules_nftables_sync_failures_total: {
    type: 'counter',
    help: 'Syncs that failed',
    labels: ['ip_family'],
    modes: ['nftables'],
  },
  kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total: {
    type: 'counter',
    help: 'Syncs after which objects no longer used could not be removed',
    labels: ['ip_family'],
    modes: ['nftables'],
  },
  kubeproxy_conntrack_reconciler_sync_duration_seconds: {
    type: 'histogram',
    help: 'Time that looking for stale UDP connection tracking entries took',
    labels: ['ip_family'],
    buckets: SYNC_SECONDS,
  },
  kubeproxy_conntrack_reconciler_deleted_entries_total: {
    type: 'counter',
    help: 'Stale UDP connection tracking entries that were deleted',
    labels: ['ip_family'],
  },
  rest_client_requests_total: {
    type: 'counter',
    help: 'Requests to the API server by answer; the code is <error> when there was none',
    labels: ['code', 'method', 'host'],
  },
  rest_client_request_duration_seconds: {
    type: 'histogram',
    help: 'Time until the API server answered',
    labels: ['verb', 'host'],
    buckets: REQUEST_SECONDS,
  },
  rest_client_request_size_bytes: {
    type: 'histogram',
    help: 'Size of requests to the API server',
    labels: ['verb', 'host'],
    buckets: REQUEST_BYTES,
  },
  rest_client_response_size_bytes: {
    type: 'histogram',
    help: 'Size of answers of the API server',
    labels: ['verb', 'host'],
    buckets: REQUEST_BYTES,
  },
  rest_client_rate_limiter_duration_seconds: {
    type: 'histogram',
    help: 'Time that requests waited for our own rate limit',
    labels: ['verb', 'host'],
    buckets: REQUEST_SECONDS,
  },
  rest_client_request_retries_total: {
    type: 'counter',
    help: 'Requests that were tried again, by what made it necessary',
    labels: ['code', 'verb', 'host'],
  },
  kubernetes_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels tell what is running',
    labels: [
      'major',
      'minor',
      'git_version',
      'git_commit',
      'git_tree_state',
      'build_date',
      'go_version',
      'compiler',
      'platform',
    ],
  },
  kubernetes_feature_enabled: {
    type: 'gauge',
    help: '1 when the feature gate is on, 0 when it is off',
    labels: ['name', 'stage'],
  },
  kubernetes_healthcheck: {
    type: 'gauge',
    help: '1 when the last answer was good, 0 when it was not',
    labels: ['name', 'type'],
    page: 'slis',
  },
  kubernetes_healthchecks_total: {
    type: 'counter',
    help: 'Answers of the health checks',
    labels: ['name', 'type', 'status'],
    page: 'slis',
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;
