/** A metric of kube-proxy 1.36 on Linux, as its own /metrics shows it. */
export interface KubeProxyMetric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, without +Inf. */
  readonly bounds?: readonly number[];
  /** The modes that have it; all when absent. */
  readonly modes?: readonly ('iptables' | 'ipvs' | 'nftables')[];
}

const range = (first: number, last: number, step: number): readonly number[] =>
  Array.from({ length: Math.round((last - first) / step) + 1 }, (_, i) => first + i * step);

const DOUBLING = [
  0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
];

const SLO = [...range(0.25, 0.5, 0.25), ...range(1, 59, 1), ...range(60, 115, 5), ...range(120, 300, 30)];

const CLIENT_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

const CLIENT_BYTES = [64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216];

const counter = (labels: readonly string[], ...modes: ('iptables' | 'ipvs' | 'nftables')[]): KubeProxyMetric => ({
  type: 'counter',
  labels,
  ...(modes.length === 0 ? {} : { modes }),
});

const gauge = (labels: readonly string[], ...modes: ('iptables' | 'ipvs' | 'nftables')[]): KubeProxyMetric => ({
  ...counter(labels, ...modes),
  type: 'gauge',
});

const histogram = (
  labels: readonly string[],
  bounds: readonly number[],
  ...modes: ('iptables' | 'ipvs' | 'nftables')[]
): KubeProxyMetric => ({ ...counter(labels, ...modes), type: 'histogram', bounds });

const FAMILY = ['ip_family'];

/** What dashboards and alerts made for kube-proxy rely on. */
export const KUBE_PROXY_METRICS: Readonly<Record<string, KubeProxyMetric>> = {
  kubeproxy_sync_proxy_rules_duration_seconds: histogram(FAMILY, DOUBLING),
  kubeproxy_sync_full_proxy_rules_duration_seconds: histogram(FAMILY, DOUBLING, 'iptables', 'nftables'),
  kubeproxy_sync_partial_proxy_rules_duration_seconds: histogram(FAMILY, DOUBLING, 'iptables', 'nftables'),
  kubeproxy_sync_proxy_rules_last_timestamp_seconds: gauge(FAMILY),
  kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds: gauge(FAMILY),
  kubeproxy_network_programming_duration_seconds: histogram(FAMILY, SLO),
  kubeproxy_sync_proxy_rules_endpoint_changes_pending: gauge([]),
  kubeproxy_sync_proxy_rules_endpoint_changes_total: counter([]),
  kubeproxy_sync_proxy_rules_service_changes_pending: gauge([]),
  kubeproxy_sync_proxy_rules_service_changes_total: counter([]),
  kubeproxy_sync_proxy_rules_no_local_endpoints_total: gauge(['ip_family', 'traffic_policy']),
  kubeproxy_proxy_healthz_total: counter(['code']),
  kubeproxy_proxy_livez_total: counter(['code']),
  kubeproxy_iptables_ct_state_invalid_dropped_packets_total: counter([], 'iptables'),
  kubeproxy_iptables_localhost_nodeports_accepted_packets_total: counter([], 'iptables'),
  kubeproxy_sync_proxy_rules_iptables_restore_failures_total: counter(FAMILY, 'iptables', 'ipvs'),
  kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total: counter(FAMILY, 'iptables'),
  kubeproxy_sync_proxy_rules_iptables_total: gauge(['ip_family', 'table'], 'iptables'),
  kubeproxy_sync_proxy_rules_iptables_last: gauge(['ip_family', 'table'], 'iptables'),
  kubeproxy_sync_proxy_rules_nftables_sync_failures_total: counter(FAMILY, 'nftables'),
  kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total: counter(FAMILY, 'nftables'),
  kubeproxy_conntrack_reconciler_sync_duration_seconds: histogram(FAMILY, DOUBLING),
  kubeproxy_conntrack_reconciler_deleted_entries_total: counter(FAMILY),
  rest_client_requests_total: counter(['code', 'host', 'method']),
  rest_client_request_duration_seconds: histogram(['host', 'verb'], CLIENT_SECONDS),
  rest_client_request_size_bytes: histogram(['host', 'verb'], CLIENT_BYTES),
  rest_client_response_size_bytes: histogram(['host', 'verb'], CLIENT_BYTES),
  rest_client_rate_limiter_duration_seconds: histogram(['host', 'verb'], CLIENT_SECONDS),
  rest_client_request_retries_total: counter(['code', 'host', 'verb']),
  process_cpu_seconds_total: counter([]),
  process_max_fds: gauge([]),
  process_open_fds: gauge([]),
  process_resident_memory_bytes: gauge([]),
  process_start_time_seconds: gauge([]),
  process_virtual_memory_bytes: gauge([]),
  kubernetes_build_info: gauge([
    'build_date',
    'compiler',
    'git_commit',
    'git_tree_state',
    'git_version',
    'go_version',
    'major',
    'minor',
    'platform',
  ]),
  kubernetes_feature_enabled: gauge(['name', 'stage']),
};
