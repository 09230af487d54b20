import { setPriority } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type { LogFormat, LogLevel } from '../base/log.ts';
import { createLog } from '../base/log.ts';
import { assertNever, toSluiceError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { systemClock } from '../base/clock.ts';
import type { Cidr } from '../model/address.ts';
import { socketAddress } from '../model/address.ts';
import type { DnsChange } from '../model/dns-change.ts';
import { Counters } from './counters.ts';
import type { ForwardConfig } from './forward/config.ts';
import type { ForwardCounters } from './forward/counters.ts';
import { CachingForwarder } from './forward/forwarder.ts';
import { OptRecords } from './opt.ts';
import type { ReplySettings } from './reply.ts';
import { Responder } from './responder.ts';
import { Desk } from './server/desk.ts';
import type { ListenPoint } from './server/listen-point.ts';
import { TcpServer } from './server/tcp.ts';
import { UdpServer } from './server/udp.ts';
import { encodeName } from './wire/name.ts';
import { reverseZones } from './zone/reverse-zones.ts';
import { SlicedChanges } from './sliced-changes.ts';
import type { ZoneSettings } from './zone/settings.ts';
import { countedZones } from './zone/settings.ts';
import { ClusterZone } from './zone/zone.ts';

/** What a thread is started with. */
export interface WorkerConfig {
  readonly zone: ZoneSettings;
  readonly reply: ReplySettings;
  readonly listen: readonly ListenPoint[];
  /** Other threads listen on the same addresses. */
  readonly shared: boolean;
  /** See {@link DeskOptions}. */
  readonly queriesPerClient: number;
  /** See {@link ResponderOptions}. */
  readonly transferTo?: readonly Cidr[];
  readonly logQueries: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Who answers for other names; nobody when absent. */
  readonly forward?: ForwardConfig;
  /** Of the {@link Counters}. */
  readonly memory: SharedArrayBuffer;
}

/** To a thread, one at a time: it says `done` before it gets the next. */
export type WorkerOrder =
  | { readonly kind: 'apply'; readonly changes: readonly DnsChange[]; readonly serial: number }
  | { readonly kind: 'synced' }
  | { readonly kind: 'count' };

/** From a thread. */
export type WorkerReport =
  | { readonly kind: 'listening'; readonly ports: readonly number[] }
  | { readonly kind: 'done' }
  /** Instead of `done`, to `count`: what the forwarder has counted, if there is one. */
  | { readonly kind: 'counted'; readonly counters: ForwardCounters | undefined }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined };

/** As good as it gets without being of another class; a query is a few microseconds of work. */
const NICENESS = -10;

/**
 * Linux has a niceness per thread: answers come before the writing of rules, and before pods that use all of the processor.
 * Without the right to it (CAP_SYS_NICE) they take turns.
 */
function hurry(): void {
  try {
    setPriority(NICENESS);
  } catch {
    // As everybody else, then.
  }
}

/** A thread: its own zone, its own sockets. It ends with its port. */
export async function runWorker(port: MessagePort, config: WorkerConfig): Promise<void> {
  hurry();
  const report = (message: WorkerReport): void => port.postMessage(message, []);
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const counters = new Counters(countedZones(config.zone).length, config.memory);
  const zone = new ClusterZone(config.zone, (kind, triggeredDateMs) => {
    if (kind === 'external') return;
    const durationMs = Math.max(0, systemClock.dateMs() - triggeredDateMs);
    counters.countProgramming(kind === 'headless' ? 'headless_with_selector' : 'cluster_ip', durationMs);
  });
  const forwarder = config.forward === undefined ? undefined : createForwarder(config.forward, config, log);
  const responder = new Responder({ zone, settings: config.reply, forwarder, transferTo: config.transferTo ?? [] });
  const desk = new Desk({
    responder,
    counters,
    queriesPerClient: config.queriesPerClient,
    queryLog: config.logQueries ? log : undefined,
    log,
  });
  port.on('message', (order: WorkerOrder) => {
    switch (order.kind) {
      case 'apply':
        return applyInSlices(new SlicedChanges(order.changes, (change) => zone.apply([change], order.serial)), report);
      case 'synced':
        zone.setSynced();
        break;
      case 'count':
        return report({ kind: 'counted', counters: forwarder?.counters() });
      default:
        assertNever(order);
    }
    return report({ kind: 'done' });
  });
  try {
    const ports: number[] = [];
    for (const listen of config.listen) {
      const udp = await UdpServer.listen({ desk, listen, shared: config.shared, log });
      ports.push(udp.port);
      await TcpServer.listen({ desk, listen: { ...listen, port: udp.port }, shared: config.shared, log });
    }
    report({ kind: 'listening', ports });
  } catch (thrown) {
    const { code, message, hint } = toSluiceError(thrown);
    report({ kind: 'failed', code, message, hint });
  }
}

/** Sockets are read between two slices. */
function applyInSlices(changes: SlicedChanges, report: (message: WorkerReport) => void): void {
  changes.step();
  if (changes.done) report({ kind: 'done' });
  else setImmediate(applyInSlices, changes, report);
}

/** Names of the cluster, and reverse names of its networks, are never asked for elsewhere. */
function createForwarder(forward: ForwardConfig, { zone, listen, reply }: WorkerConfig, log: Log): CachingForwarder {
  const zones = zone.zones.flatMap((text) => encodeName(text) ?? []);
  return new CachingForwarder(forward, {
    clock: systemClock,
    log,
    opt: new OptRecords(reply),
    ownAddresses: listen.map(({ host, port }) => socketAddress(host, port)),
    privateZones: [...zones, ...zone.localNetworks.flatMap(reverseZones)],
  });
}
