/** kube-proxy's words for the ways to write rules; some metrics exist in some of them only. */
export type ProxyMode = 'iptables' | 'ipvs' | 'nftables';

/** One row of the table of metrics. */
export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, ascending; for histograms only. */
  readonly buckets?: readonly number[];
  /** The modes in which the metric exists; all when absent. */
  readonly modes?: readonly ProxyMode[];
  /** `slis` for the few on /metrics/slis; the others are on /metrics. */
  readonly page?: 'slis';
  /** Counted by the kernel: no value until somebody tells one, because 0 would be a claim. */
  readonly countedElsewhere?: true;
}
