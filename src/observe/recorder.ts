import type { Clock } from '../base/clock.ts';
import type { IpFamily } from '../model/address.ts';
import type { Metrics } from './metrics.ts';

/** The parts of a sync that are timed. */
export type SyncStage = 'compile' | 'render' | 'encode' | 'write';

/** A successful sync of one family. */
export interface SyncRecord {
  readonly family: IpFamily;
  /** Whether it began with reading the rules in the kernel. */
  readonly full: boolean;
  readonly stagesMs: Readonly<Partial<Record<SyncStage, number>>>;
  /** Objects and members that were written. */
  readonly changes: number;
  /** Fed to the tools; absent when nobody counted. */
  readonly writtenBytes?: number;
  /**
   * When the changes that this sync wrote happened, as the control plane noted them in
   * `endpoints.kubernetes.io/last-change-trigger-time`, milliseconds since 1970: one per changed EndpointSlice, none for
   * deletions. Those from before this process are left out here.
   */
  readonly triggerDatesMs?: readonly number[];
}

export interface FailureRecord {
  readonly family: IpFamily;
  /** Of the error. */
  readonly code: string;
  readonly full: boolean;
}

/** How things stand after a sync of one family. */
export interface ServiceCounts {
  readonly servicePorts: number;
  readonly endpoints?: number;
  /** Service ports whose rules the kernel refuses. */
  readonly quarantined: number;
  /** Destinations that several Services claim. */
  readonly conflicts: number;
  /** Service ports with that policy Local which have endpoints, but none on this node. */
  readonly noLocalEndpoints?: { readonly internal: number; readonly external: number };
}

/** What is running, for the metrics that only have labels. */
export interface BuildInfo {
  /** `1.2.3`, with an optional suffix. */
  readonly version: string;
  readonly mode: string;
  readonly features?: readonly { readonly name: string; readonly stage: string; readonly enabled: boolean }[];
}

export interface RecorderOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** When the process started, milliseconds since 1970; now when absent. */
  readonly startedDateMs?: number;
}

/**
 * Turns what happens into metrics. A sync is told as `syncStarted`, then `recordSync` or `recordFailure` per family, then
 * `changesWritten` when all of them succeeded; syncs never overlap.
 */
export class Recorder {
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #startedDateMs: number;
  readonly #pending = { service: 0, endpoint: 0 };
  #beingWritten = { service: 0, endpoint: 0 };
  readonly #provedAtMs = new Map<string, number>();

  constructor({ metrics, clock, startedDateMs = clock.dateMs() }: RecorderOptions) {
    this.#metrics = metrics;
    this.#clock = clock;
    this.#startedDateMs = startedDateMs;
    metrics.beforeScrape(() => {
      for (const [resource, atMs] of this.#provedAtMs) {
        metrics.set('sluice_freshness_age_seconds', { resource }, (clock.now() - atMs) / 1000);
      }
    });
  }

  describe({ version, mode, features = [] }: BuildInfo): void {
    const [major = '', minor = ''] = version.split('.');
    this.#metrics.set('sluice_info', { version, proxy_mode: mode }, 1);
    const unknown = { git_commit: '', git_tree_state: '', build_date: '', go_version: '' };
    const compiler = `node ${process.version}`;
    const platform = `${process.platform}/${process.arch}`;
    const labels = { major, minor, git_version: `v${version}`, ...unknown, compiler, platform };
    this.#metrics.set('kubernetes_build_info', labels, 1);
    for (const { name, stage, enabled } of features) {
      this.#metrics.set('kubernetes_feature_enabled', { name, stage }, enabled ? 1 : 0);
    }
  }

  /** Changes that the source has seen and that have to be written; call it with each batch of events. */
  changesArrived(arrived: { readonly services?: number; readonly endpoints?: number }): void {
    const { services = 0, endpoints = 0 } = arrived;
    this.#pending.service += services;
    this.#pending.endpoint += endpoints;
    this.#metrics.increment('kubeproxy_sync_proxy_rules_service_changes_total', {}, services);
    this.#metrics.increment('kubeproxy_sync_proxy_rules_endpoint_changes_total', {}, endpoints);
    this.#tellPending();
  }

  /** A sync of the family was asked for. */
  recordQueued(family: IpFamily): void {
    const nowS = this.#clock.dateMs() / 1000;
    this.#metrics.set('kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds', { ip_family: family }, nowS);
  }

  /** Every change that arrived so far will be in the next `changesWritten`. */
  syncStarted(): void {
    this.#beingWritten = { ...this.#pending };
  }

  /** All families are written. */
  changesWritten(): void {
    const { service, endpoint } = this.#beingWritten;
    this.#pending.service -= service;
    this.#pending.endpoint -= endpoint;
    this.#beingWritten = { service: 0, endpoint: 0 };
    this.#metrics.increment('sluice_coalesced_events_total', {}, Math.max(0, service + endpoint - 1));
    this.#tellPending();
  }

  recordSync({ family, full, stagesMs, changes, writtenBytes = 0, triggerDatesMs = [] }: SyncRecord): void {
    const metrics = this.#metrics;
    const labels = { ip_family: family };
    let totalMs = 0;
    for (const [stage, ms] of Object.entries(stagesMs)) {
      totalMs += ms;
      metrics.observe('sluice_sync_stage_duration_seconds', { ...labels, stage }, ms / 1000);
    }
    metrics.observe('kubeproxy_sync_proxy_rules_duration_seconds', labels, totalMs / 1000);
    const kind = full ? 'full' : 'partial';
    metrics.observe(`kubeproxy_sync_${kind}_proxy_rules_duration_seconds`, labels, totalMs / 1000);
    metrics.increment('sluice_sync_changes_total', labels, changes);
    metrics.increment('sluice_sync_written_bytes_total', labels, writtenBytes);
    const nowMs = this.#clock.dateMs();
    metrics.set('kubeproxy_sync_proxy_rules_last_timestamp_seconds', labels, nowMs / 1000);
    for (const triggerMs of triggerDatesMs) {
      if (triggerMs < this.#startedDateMs) continue;
      // The clock of the control plane may be ahead of ours; a sum that goes back would look like a restart.
      const seconds = Math.max(0, nowMs - triggerMs) / 1000;
      metrics.observe('kubeproxy_network_programming_duration_seconds', labels, seconds);
    }
  }

  recordFailure({ family, code, full }: FailureRecord): void {
    const labels = { ip_family: family };
    this.#metrics.increment('sluice_sync_failures_total', { ...labels, code });
    this.#metrics.increment('kubeproxy_sync_proxy_rules_nftables_sync_failures_total', labels);
    this.#metrics.increment('kubeproxy_sync_proxy_rules_iptables_restore_failures_total', labels);
    if (!full) this.#metrics.increment('kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total', labels);
  }

  recordServiceCounts(family: IpFamily, counts: ServiceCounts): void {
    const labels = { ip_family: family };
    this.#metrics.set('sluice_service_ports', labels, counts.servicePorts);
    if (counts.endpoints !== undefined) this.#metrics.set('sluice_endpoints', labels, counts.endpoints);
    this.#metrics.set('sluice_quarantined_services', labels, counts.quarantined);
    this.#metrics.set('sluice_conflicts', labels, counts.conflicts);
    for (const [policy, count] of Object.entries(counts.noLocalEndpoints ?? {})) {
      const name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total';
      this.#metrics.set(name, { ...labels, traffic_policy: policy }, count);
    }
  }

  /** The kernel refused a batch, which is now being split. */
  recordRefusedBatch(family: IpFamily): void {
    this.#metrics.increment('sluice_refused_batches_total', { ip_family: family });
  }

  /** A comparison with the kernel found this many objects changed by others. */
  recordDriftRepair(family: IpFamily, objects: number): void {
    this.#metrics.increment('sluice_drift_repairs_total', { ip_family: family }, objects);
  }

  recordDnsIntercepting(isIntercepting: boolean): void {
    this.#metrics.set('sluice_dns_intercepting', {}, isIntercepting ? 1 : 0);
  }

  recordDnsRestart(): void {
    this.#metrics.increment('sluice_dns_restarts_total', {});
  }

  /** All objects that are left out now, by kind (`Service`, `EndpointSlice`, …). */
  recordSkippedObjects(countsByKind: ReadonlyMap<string, number>): void {
    this.#metrics.clear('sluice_skipped_objects');
    for (const [kind, count] of countsByKind) this.#metrics.set('sluice_skipped_objects', { kind }, count);
  }

  /** The newest proof that nothing newer of this resource (`services`, `nodes`, …) exists is so old now, and ages from here. */
  recordFreshness(resource: string, ageMs: number): void {
    this.#provedAtMs.set(resource, this.#clock.now() - ageMs);
  }

  /** A search for stale UDP entries of connection tracking. */
  recordConntrack(family: IpFamily, { durationMs, deleted }: { durationMs: number; deleted: number }): void {
    const labels = { ip_family: family };
    this.#metrics.observe('kubeproxy_conntrack_reconciler_sync_duration_seconds', labels, durationMs / 1000);
    this.#metrics.increment('kubeproxy_conntrack_reconciler_deleted_entries_total', labels, deleted);
  }

  /** Rules per table (`filter`, `nat`) in iptables mode: all of ours, and those of the last sync. */
  recordIptablesRules(family: IpFamily, table: string, rules: { total: number; last: number }): void {
    const labels = { ip_family: family, table };
    this.#metrics.set('kubeproxy_sync_proxy_rules_iptables_total', labels, rules.total);
    this.#metrics.set('kubeproxy_sync_proxy_rules_iptables_last', labels, rules.last);
  }

  /** Packets that rules of iptables mode counted; `undefined` before there are any. */
  recordPackets(counts: { readonly invalid: number; readonly localhostNodePorts: number } | undefined): void {
    const { invalid, localhostNodePorts } = counts ?? {};
    this.#metrics.setTotal('kubeproxy_iptables_ct_state_invalid_dropped_packets_total', {}, invalid);
    const localhost = 'kubeproxy_iptables_localhost_nodeports_accepted_packets_total';
    this.#metrics.setTotal(localhost, {}, localhostNodePorts);
  }

  #tellPending(): void {
    this.#metrics.set('kubeproxy_sync_proxy_rules_service_changes_pending', {}, this.#pending.service);
    this.#metrics.set('kubeproxy_sync_proxy_rules_endpoint_changes_pending', {}, this.#pending.endpoint);
  }
}
