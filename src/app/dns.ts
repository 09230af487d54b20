import { once } from 'node:events';
import packageJson from '../../package.json' with { type: 'json' };
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { SluiceError } from '../base/errors.ts';
import type { Config } from '../config/resolve.ts';
import { exposeCounters } from '../dns/exposition.ts';
import { DnsServer } from '../dns/server.ts';
import { countedZones } from '../dns/zone/settings.ts';
import { socketAddress } from '../model/address.ts';
import { describeProblem } from '../model/problem.ts';
import { routes, textReply } from '../observe/http-exchange.ts';
import { HttpServer } from '../observe/http-server.ts';
import { ManifestReader } from '../source/manifest-reader.ts';
import { ManifestWatcher } from '../source/manifest-watcher.ts';
import { dnsChangesOf } from './dns-manifests.ts';
import { forwardConfigFrom, listenPointsFrom, replySettingsFrom, zoneSettingsFrom } from './dns-settings.ts';
import type { Stdin } from './dry-run.ts';

/** Where CoreDNS has its metrics. */
const STATUS_PORT = 9153;

export interface DnsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly stdin: Stdin;
  readonly stop: AbortSignal;
}

/**
 * Answers for the cluster that manifests describe, until told to stop.
 *
 * @throws {SluiceError} when manifests cannot be read, or an address cannot be listened on.
 */
export async function serveDns({ config, log, stdin, stop }: DnsOptions): Promise<void> {
  const reader = new ManifestReader(config.manifests, stdin);
  const manifests = await reader.read();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // It may fail before anybody waits for it, which is below.
  const forward = forwardConfigFrom(config);
  const server = await DnsServer.start({
    zone: zoneSettingsFrom(config),
    reply: replySettingsFrom(config),
    listen: listenPointsFrom(config),
    ...(forward === undefined ? {} : { forward }),
    queriesPerClient: config.dnsClientLimit,
    logQueries: config.dnsLogQueries,
    logLevel: config.logLevel,
    logFormat: config.logFormat,
    threads: config.dnsThreads,
    clock: systemClock,
    onFailure: (reason) =>
      failed.reject(new SluiceError({ code: 'internal', message: `a DNS thread ended: ${reason}` })),
  });
  const apply = (events: Parameters<typeof dnsChangesOf>[0]): void => {
    const { changes, problems } = dnsChangesOf(events, config);
    for (const problem of problems) log.warn(problem);
    server.apply(changes);
  };
  for (const problem of manifests.problems) log.warn(describeProblem(problem));
  apply(manifests.objects.values());
  server.setSynced();
  const watcher = config.watch
    ? new ManifestWatcher(
        {
          reader,
          onChange: apply,
          onFailure: ({ message, code, hint }) => log.error(`${message}; what it held before stays`, { code, hint }),
        },
        manifests,
      )
    : undefined;
  const status = statusServer({ config, server, log, stop });
  try {
    await status?.start();
    const addresses = listenPointsFrom(config).map(({ host }, i) => socketAddress(host, server.ports[i] ?? 0));
    await server.idle();
    log.info('answering DNS queries', { addresses: addresses.join(' ') });
    if (!stop.aborted) await Promise.race([once(stop, 'abort'), failed.promise]);
  } finally {
    await watcher?.stop();
    await server.stop();
    await status?.close();
  }
}

interface StatusOptions extends Omit<DnsOptions, 'stdin'> {
  readonly server: DnsServer;
}

/** /health, /ready and /metrics, as CoreDNS has them, on one port. */
function statusServer({ config, server, log, stop }: StatusOptions): HttpServer | undefined {
  const { dnsStatusAddress: wanted } = config;
  if (wanted === undefined) return undefined;
  const [first] = listenPointsFrom(config);
  const name = first === undefined ? '' : `dns://${socketAddress(first.host, server.ports[0] ?? first.port)}`;
  const zones = countedZones(zoneSettingsFrom(config));
  const build = `coredns_build_info{version="sluice ${packageJson.version}",revision="",goversion=""} 1`;
  const metrics = async (): Promise<string> =>
    `# HELP coredns_build_info What answers here, under the name that CoreDNS has for it.\n# TYPE coredns_build_info gauge\n${build}\n` +
    exposeCounters({ counters: server.counters, zones, server: name, forward: await server.forwardCounters() });
  return new HttpServer({
    name: 'DNS status',
    address: { host: wanted.host, port: wanted.port ?? STATUS_PORT },
    handler: routes({
      '/health': () => (stop.aborted ? textReply(503, 'stopping\n') : textReply(200, 'OK')),
      '/ready': async () => {
        await server.idle();
        return textReply(200, 'OK');
      },
      '/metrics': async () => ({
        status: 200,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
        body: await metrics(),
      }),
    }),
    clock: systemClock,
    log,
    whenUnavailable: config.bindAddressHardFail ? 'fail' : 'retry',
  });
}
