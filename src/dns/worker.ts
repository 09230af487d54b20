import type { MessagePort } from 'node:worker_threads';
import type { LogFormat, LogLevel } from '../base/log.ts';
import { createLog } from '../base/log.ts';
import { toSluiceError } from '../base/errors.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { DnsChange } from '../model/dns-change.ts';
import { Counters } from './counters.ts';
import type { ReplySettings } from './reply.ts';
import { Responder } from './responder.ts';
import { Desk } from './server/desk.ts';
import type { ListenPoint } from './server/listen-point.ts';
import { TcpServer } from './server/tcp.ts';
import { UdpServer } from './server/udp.ts';
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
  readonly logQueries: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  /** Of the {@link Counters}. */
  readonly memory: SharedArrayBuffer;
}

/** To a thread, one at a time: it says `done` before it gets the next. */
export type WorkerOrder =
  | { readonly kind: 'apply'; readonly changes: readonly DnsChange[]; readonly serial: number }
  | { readonly kind: 'synced' };

/** From a thread. */
export type WorkerReport =
  | { readonly kind: 'listening'; readonly ports: readonly number[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined };

/** A thread: its own zone, its own sockets. It ends with its port. */
export async function runWorker(port: MessagePort, config: WorkerConfig): Promise<void> {
  const report = (message: WorkerReport): void => port.postMessage(message, []);
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const zone = new ClusterZone(config.zone);
  const responder = new Responder({ zone, settings: config.reply, forwarder: undefined });
  const desk = new Desk({
    responder,
    counters: new Counters(countedZones(config.zone).length, config.memory),
    queriesPerClient: config.queriesPerClient,
    queryLog: config.logQueries ? log : undefined,
    log,
  });
  port.on('message', (order: WorkerOrder) => {
    if (order.kind === 'apply') zone.apply(order.changes, order.serial);
    else zone.setSynced();
    report({ kind: 'done' });
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
