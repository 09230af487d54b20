import packageJson from '../../package.json' with { type: 'json' };
import type { FamilyReport } from '../applier/family-sync.ts';
import type { SyncObserver } from '../applier/applier.ts';
import type { Backend, Driver, PacketCounts } from '../backend/contract.ts';
import type { Clock } from '../base/clock.ts';
import type { SluiceError } from '../base/errors.ts';
import type { AdjustableLog } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import { parseLogLevel } from '../config/values.ts';
import { describeGates } from '../config/gates.ts';
import { effectiveFlags, kubeProxyConfiguration } from '../config/write.ts';
import type { IpFamily } from '../model/address.ts';
import type { NodeFacts } from '../model/decode-node.ts';
import type { Problem } from '../model/problem.ts';
import { watchEventLoop } from '../observe/event-loop.ts';
import { healthPages } from '../observe/health-server.ts';
import type { HttpHandler } from '../observe/http-exchange.ts';
import { HttpServer } from '../observe/http-server.ts';
import { metricsPages } from '../observe/metrics-server.ts';
import { Metrics } from '../observe/metrics.ts';
import { ProxyHealth } from '../observe/proxy-health.ts';
import { Recorder } from '../observe/recorder.ts';
import { RequestRecorder } from '../observe/request-recorder.ts';
import { ServiceHealth } from '../observe/service-health.ts';
import type { Arrival, ClusterState, Feed } from './feed.ts';
import { joinArrivals, NO_ARRIVAL } from './feed.ts';
import { HealthPorts } from './health-ports.ts';
import { PlanTally } from './plan-tally.ts';
import { RuleTally } from './rule-tally.ts';

interface FamilyCounts {
  readonly tally: PlanTally;
  readonly rules: RuleTally | undefined;
  readonly ports: HealthPorts;
}

export interface TelemetryOptions {
  readonly config: Config;
  readonly backend: Backend;
  readonly drivers: ReadonlyMap<IpFamily, Driver>;
  readonly clock: Clock;
  readonly log: AdjustableLog;
  /** A health-check port of a Service cannot be opened. */
  readonly onPortFailure: (service: string, port: number, error: SluiceError) => void;
}

/** kube-proxy's 2 × syncPeriod with its default: a change that waits longer makes the node unhealthy. */
const HEALTH_TIMEOUT_MS = 60_000;

/**
 * When the API server has been away for this long, /healthz says so. Long, because it then says so on every node at once,
 * and the rules that are in place are better than none.
 */
const FRESHNESS_LIMIT_MS = 12 * 3_600_000;

/** The release of kube-proxy whose behaviour and metrics these are. */
const EMULATED_VERSION = '1.36';

const FRESHNESS_PERIOD_MS = 1000;

/** Metrics, health and their servers: everything that others look at. */
export class Telemetry implements SyncObserver {
  readonly health: ProxyHealth;
  readonly requests: RequestRecorder;
  readonly #options: TelemetryOptions;
  readonly #metrics: Metrics;
  readonly #recorder: Recorder;
  readonly #servers: readonly HttpServer[];
  readonly #serviceHealth: ServiceHealth;
  readonly #families: ReadonlyMap<IpFamily, FamilyCounts>;
  readonly #stops: (() => void)[] = [];
  #state: ClusterState | undefined;
  #arrived: Arrival = NO_ARRIVAL;
  #beingWritten: Arrival = NO_ARRIVAL;
  #cancelFreshness: (() => void) | undefined;
  #moreMetrics: () => Promise<string> = () => Promise.resolve('');

  constructor(options: TelemetryOptions) {
    this.#options = options;
    const { config, backend, drivers, clock, log, onPortFailure } = options;
    const families = [...drivers.keys()];
    const { proxyMode } = config;
    this.#metrics = new Metrics({ mode: proxyMode, processMetrics: true });
    this.#recorder = new Recorder({ metrics: this.#metrics, clock });
    this.#recorder.describe({
      version: packageJson.version,
      mode: proxyMode,
      features: describeGates(config.gates),
    });
    this.requests = new RequestRecorder(this.#metrics);
    this.health = new ProxyHealth({
      clock,
      families,
      healthTimeoutMs: HEALTH_TIMEOUT_MS,
      freshnessLimitMs: FRESHNESS_LIMIT_MS,
    });
    this.#serviceHealth = new ServiceHealth({
      inStep: () => this.health.inStep,
      clock,
      log,
      onListenFailure: onPortFailure,
    });
    const { tableOf } = backend;
    this.#families = new Map(
      families.map((family) => [
        family,
        {
          tally: new PlanTally(),
          rules: tableOf === undefined ? undefined : new RuleTally(tableOf),
          ports: new HealthPorts(family),
        },
      ]),
    );
    this.#metrics.beforeScrape(async () => this.#recorder.recordPackets(await countPackets(drivers)));
    this.#servers = this.#createServers();
  }

  /** Opens the health and metrics servers. @throws {SluiceError} `address-unavailable` with `--bind-address-hard-fail`. */
  async start(): Promise<void> {
    this.#stops.push(watchEventLoop(this.#metrics, this.#options.clock));
    await Promise.all(this.#servers.map((server) => server.start()));
  }

  async stop(): Promise<void> {
    this.#cancelFreshness?.();
    for (const stop of this.#stops) stop();
    await Promise.all([...this.#servers.map((server) => server.close()), this.#serviceHealth.close()]);
  }

  /** Puts more text at the end of /metrics. */
  alsoExpose(text: () => Promise<string>): void {
    this.#moreMetrics = text;
  }

  dnsIntercepting(isIntercepting: boolean): void {
    this.#recorder.recordDnsIntercepting(isIntercepting);
  }

  dnsRestarted(): void {
    this.#recorder.recordDnsRestart();
  }

  /** Looks at the feed's freshness from now on. */
  follow(feed: Feed): void {
    const ages = feed.freshness();
    for (const [resource, ageMs] of ages) this.#recorder.recordFreshness(resource, ageMs);
    if (ages.size > 0) this.health.freshness(Math.max(...ages.values()));
    this.#cancelFreshness = this.#options.clock.after(FRESHNESS_PERIOD_MS, () => this.follow(feed));
  }

  changed(state: ClusterState, arrival: Arrival): void {
    this.#state = state;
    this.#arrived = joinArrivals(this.#arrived, arrival);
    this.#recorder.changesArrived(arrival);
  }

  nodeChanged(facts: NodeFacts | undefined): void {
    const scaleDown = facts?.leaving === 'scale-down' ? ['ToBeDeletedByClusterAutoscaler'] : [];
    this.health.nodeChanged({
      exists: facts !== undefined,
      deleting: facts?.leaving === 'deletion',
      taints: scaleDown,
    });
  }

  problemsFound(problems: readonly Problem[]): void {
    const skipped = new Map<string, number>();
    for (const { kind, effect } of problems) if (effect === 'skipped') skipped.set(kind, (skipped.get(kind) ?? 0) + 1);
    this.#recorder.recordSkippedObjects(skipped);
  }

  queued(family: IpFamily): void {
    this.health.queued(family);
    this.#recorder.recordQueued(family);
  }

  started(): void {
    this.#recorder.syncStarted();
    // What a failed sync was to write is still to be written.
    this.#beingWritten = joinArrivals(this.#beingWritten, this.#arrived);
    this.#arrived = NO_ARRIVAL;
  }

  familySynced(report: FamilyReport): void {
    const { family, full, changes, compileMs, renderMs, writeMs, services, quarantined, conflicts } = report;
    this.health.succeeded(family, report.startedMs);
    this.#recorder.recordSync({
      family,
      full,
      changes,
      writtenBytes: report.written,
      stagesMs: { compile: compileMs, render: renderMs, write: writeMs },
      triggerDatesMs: this.#beingWritten.triggerDatesMs[family],
    });
    if (report.flows !== undefined) {
      this.#recorder.recordConntrack(family, { durationMs: report.flows.ms, deleted: report.flows.deleted });
    }
    if (report.repaired > 0) this.#recorder.recordDriftRepair(family, report.repaired);
    for (const _ of report.refused) this.#recorder.recordRefusedBatch(family);
    const counts = this.#families.get(family);
    for (const [table, rules] of counts?.rules?.update(report.rules) ?? []) {
      this.#recorder.recordIptablesRules(family, table, rules);
    }
    const { endpoints, internal, external } = counts?.tally.update(report.plan) ?? NO_COUNTS;
    const noLocalEndpoints = { internal, external };
    this.#recorder.recordServiceCounts(family, {
      servicePorts: services,
      endpoints,
      quarantined,
      conflicts,
      noLocalEndpoints,
    });
    this.#syncHealthPorts(family, report);
  }

  familyFailed({ family, error }: { readonly family: IpFamily; readonly error: SluiceError }): void {
    this.#recorder.recordFailure({ family, code: error.code, full: false });
  }

  finished(): void {
    this.#recorder.changesWritten();
    this.#beingWritten = NO_ARRIVAL;
  }

  #syncHealthPorts(family: IpFamily, { plan }: FamilyReport): void {
    if (this.#state === undefined) return;
    const services = this.#families.get(family)?.ports.update(this.#state.snapshot, this.#state.node.name);
    const { nodePortAddresses } = plan.node;
    const addresses = nodePortAddresses.kind === 'all' ? 'all' : nodePortAddresses.addresses;
    if (services !== undefined) void this.#serviceHealth.sync(family, { addresses, services });
  }

  #createServers(): readonly HttpServer[] {
    const { config, clock, log } = this.#options;
    const whenUnavailable = config.bindAddressHardFail ? 'fail' : 'retry';
    const metricsHandler = metricsPages({
      metrics: this.#metrics,
      more: () => this.#moreMetrics(),
      health: this.health,
      clock,
      proxyMode: config.proxyMode,
      configz: () => kubeProxyConfiguration(config),
      flags: () => effectiveFlags(config),
      version: packageJson.version,
      emulatedVersion: EMULATED_VERSION,
      startedDateMs: clock.dateMs(),
      setLogLevel: (text) => {
        const level = parseLogLevel(text);
        if (level !== undefined) log.level = level;
        return level !== undefined;
      },
      profiling: config.profiling,
    });
    const wanted: readonly [string, Config['healthzAddress'], HttpHandler][] = [
      ['health', config.healthzAddress, healthPages(this.health, this.#metrics)],
      ['metrics', config.metricsAddress, metricsHandler],
    ];
    return wanted.flatMap(([name, address, handler]) =>
      address === undefined
        ? []
        : [
            new HttpServer({
              name,
              address,
              handler,
              clock,
              log,
              whenUnavailable,
            }),
          ],
    );
  }
}

const NO_COUNTS = { endpoints: 0, internal: 0, external: 0 };

/** Of all families, as in kube-proxy's counters; `undefined` where the backend's rules count nothing or are not there yet. */
async function countPackets(drivers: ReadonlyMap<IpFamily, Driver>): Promise<PacketCounts | undefined> {
  const all = await Promise.all([...drivers.values()].map(async (driver) => driver.countPackets?.()));
  const known = all.filter((counts) => counts !== undefined);
  if (known.length === 0) return undefined;
  const sum = (pick: (counts: PacketCounts) => number): number => known.reduce((total, one) => total + pick(one), 0);
  return { invalid: sum(({ invalid }) => invalid), localhostNodePorts: sum((one) => one.localhostNodePorts) };
}
