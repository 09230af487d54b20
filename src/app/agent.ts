import { hostname } from 'node:os';
import { Applier, bothObservers } from '../applier/applier.ts';
import { StaleFlows } from '../applier/stale-flows.ts';
import type { Driver } from '../backend/contract.ts';
import { systemClock } from '../base/clock.ts';
import type { AdjustableLog, Log } from '../base/log.ts';
import { releaseMemory } from '../base/memory.ts';
import { ConfigFileWatcher } from '../config/file-watcher.ts';
import type { Config } from '../config/resolve.ts';
import type { DnsServer } from '../dns/server.ts';
import type { CommandRunner } from '../kernel/command.ts';
import { systemRunner } from '../kernel/command.ts';
import { Conntrack } from '../kernel/conntrack.ts';
import { interfaceAddresses } from '../kernel/interfaces.ts';
import { OwnProcesses } from '../kernel/own-processes.ts';
import { SystemdNotifier } from '../kernel/systemd.ts';
import type { IpFamily } from '../model/address.ts';
import { describeProblem } from '../model/problem.ts';
import { DNS_PORT } from './dns-settings.ts';
import { dnsMetrics, dnsStatusServer } from './dns-status.ts';
import type { Feed } from './feed.ts';
import { ForeignWatch } from './foreign-watch.ts';
import { applyHostSettings } from './host-settings.ts';
import { kubeClientFrom } from './kube-connection.ts';
import { KubeFeed } from './kube-feed.ts';
import { removeLeftovers } from './leftovers.ts';
import { ManifestFeed } from './manifest-feed.ts';
import { NodeDns } from './node-dns.ts';
import { NodeEvents } from './node-events.ts';
import { Complaints, openDrivers, takeNode } from './run.ts';
import type { Setup } from './setup.ts';
import { setupFrom } from './setup.ts';
import { Telemetry } from './telemetry.ts';

export interface AgentOptions {
  readonly config: Config;
  readonly log: AdjustableLog;
  readonly stdin: AsyncIterable<Buffer | string>;
  /** Ends the agent; rules stay. */
  readonly stop: AbortSignal;
  readonly runner?: CommandRunner;
}

/** Why the agent ended. */
export type AgentEnd = 'told to stop' | 'configuration changed';

/**
 * Keeps this node in step with a cluster until it is told to stop, or until its configuration file changes: then its
 * supervisor starts it again with the new one, and the rules stay in place meanwhile.
 *
 * @throws {SluiceError} when tools are missing, another proxy is running, or the source cannot be used at all.
 */
export async function runAgent(options: AgentOptions): Promise<AgentEnd> {
  const { config, log, runner = systemRunner } = options;
  const clock = systemClock;
  const setup = setupFrom(config);
  await applyHostSettings({ config, setup, runner, log });
  // Whatever was begun ends with the agent, the last one first, also when the start fails half way.
  await using parts = new AsyncDisposableStack();
  const lock = await takeNode(config, log);
  parts.defer(() => lock?.release());
  const own = new OwnProcesses();
  const drivers = await openDrivers({ setup, runner, log, own });
  const nodeName = (config.nodeName ?? hostname()).trim().toLowerCase();
  const events = new NodeEvents(nodeName, clock, log);
  parts.defer(() => events.stop());
  const telemetry = new Telemetry({
    config,
    backend: setup.backend,
    drivers,
    clock,
    log,
    onPortFailure: (service, port, error) => events.portFailed(service, port, error),
  });
  parts.defer(() => telemetry.stop());
  const systemd = new SystemdNotifier({ runner, clock, log, isAlive: () => telemetry.health.livez().ok });
  const dns = await openDns(options, telemetry, parts);
  const watch = openWatch({ setup, drivers, runner, log, own });
  const applier = openApplier({ config, setup, drivers, telemetry, dns, systemd, runner, log });
  parts.defer(() => applier.stop());
  parts.defer(() => watch.stop());
  // Before the first write, so that nothing is missed after it.
  await watch.start(applier);
  await telemetry.start();
  const ownAddresses = dns?.addresses ?? new Set<string>();
  const feed = await openFeed(options, { setup: { ...setup, ownAddresses }, nodeName, telemetry, events });
  parts.defer(() => feed.stop());
  parts.defer(() => dns?.stop());
  parts.defer(() => systemd.stopping('the rules stay in place'));
  const complaints = new Complaints(log);
  await feed.start({
    onObjects: (objects) => dns?.objects(objects),
    onListed: () => dns?.listed(),
    onChange: (state, arrival) => {
      telemetry.changed(state, arrival);
      applier.update({ snapshot: state.snapshot, node: state.node, settings: setup.compileSettings });
    },
    onNode: (facts) => telemetry.nodeChanged(facts),
    onProblems: (problems, warnings) => {
      complaints.tell([...problems.map(describeProblem), ...warnings]);
      telemetry.problemsFound(problems);
      events.skipped(problems);
    },
  });
  telemetry.follow(feed);
  events.starting(setup.backend.advice);
  const end = await untilEnd(options);
  log.info(`${end}: stopping, the rules stay in place`);
  return end;
}

/** The node's own DNS, where it is wanted, with its counters among the metrics. */
async function openDns(
  options: AgentOptions,
  telemetry: Telemetry,
  parts: AsyncDisposableStack,
): Promise<NodeDns | undefined> {
  const { config, log, stop, runner = systemRunner } = options;
  if (!config.dns) return undefined;
  const dns = await NodeDns.open({
    config,
    runner,
    clock: systemClock,
    log,
    onIntercepting: (isIntercepting) => telemetry.dnsIntercepting(isIntercepting),
    onRestart: () => telemetry.dnsRestarted(),
  });
  const listen = config.dnsAddresses.map((host) => ({ host, port: DNS_PORT }));
  const server = (): DnsServer | undefined => dns.server;
  telemetry.alsoExpose(() => dnsMetrics({ config, listen, server }));
  const status = dnsStatusServer({ config, listen, server, isListed: () => dns.server !== undefined, log, stop });
  parts.defer(() => status?.close());
  await status?.start();
  return dns;
}

/** Once its first sync is in the kernel, nothing of another proxy is needed any more, and systemd may go on. */
function openApplier(parts: {
  readonly config: Config;
  readonly setup: Setup;
  readonly drivers: ReadonlyMap<IpFamily, Driver>;
  readonly telemetry: Telemetry;
  readonly dns: NodeDns | undefined;
  readonly systemd: SystemdNotifier;
  readonly runner: CommandRunner;
  readonly log: Log;
}): Applier {
  const { config, setup, drivers, telemetry, dns, systemd, runner, log } = parts;
  const clock = systemClock;
  let settled = false;
  return new Applier({
    spelling: setup.backend.spelling(setup.backendSettings),
    drivers,
    clock,
    log,
    minSyncPeriodMs: config.minSyncPeriodMs,
    verifyPeriodMs: config.syncPeriodMs,
    observer: dns === undefined ? telemetry : bothObservers(telemetry, dns),
    flows: new StaleFlows({ conntrack: new Conntrack(runner), clock, log, localAddresses: interfaceAddresses }),
    onSynced: async (reports) => {
      const services = reports[0]?.services ?? 0;
      systemd.status(`programmed ${services} service ports`);
      if (settled) return;
      settled = true;
      await removeLeftovers(setup, runner, log);
      // Before anybody relies on this node to follow at once.
      releaseMemory();
      await systemd.ready(`programmed ${services} service ports`);
    },
  });
}

function openWatch(parts: {
  readonly setup: Setup;
  readonly drivers: ReadonlyMap<IpFamily, Driver>;
  readonly runner: CommandRunner;
  readonly log: Log;
  readonly own: OwnProcesses;
}): ForeignWatch {
  const { setup, drivers, runner, log, own } = parts;
  const settings = setup.backendSettings;
  return new ForeignWatch(setup.backend, {
    families: [...drivers.keys()],
    settings,
    own,
    runner,
    clock: systemClock,
    log,
  });
}

async function openFeed(
  { config, log, stdin }: AgentOptions,
  parts: { setup: Setup; nodeName: string; telemetry: Telemetry; events: NodeEvents },
): Promise<Feed> {
  const { setup, nodeName, telemetry, events } = parts;
  if (config.manifests.length > 0) return new ManifestFeed({ paths: config.manifests, setup, stdin, log, watch: true });
  const client = await kubeClientFrom(config, log, telemetry.requests);
  events.connect(client);
  const dns = config.dns ? { pods: config.dnsPods === 'verified' } : undefined;
  return new KubeFeed({ client, nodeName, setup, dns, log, clock: systemClock });
}

function untilEnd({ config, stop }: AgentOptions): Promise<AgentEnd> {
  return new Promise((resolve) => {
    const watcher =
      config.configFile === undefined
        ? undefined
        : new ConfigFileWatcher({ ...config.configFile, onChange: () => settle('configuration changed') });
    const settle = (end: AgentEnd): void => {
      watcher?.stop();
      stop.removeEventListener('abort', told);
      resolve(end);
    };
    const told = (): void => settle('told to stop');
    stop.addEventListener('abort', told);
    if (stop.aborted) told();
  });
}
