import packageJson from '../../package.json' with { type: 'json' };
import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Config } from '../config/resolve.ts';
import { exposeCounters } from '../dns/exposition.ts';
import type { DnsServer } from '../dns/server.ts';
import type { ListenPoint } from '../dns/server/listen-point.ts';
import { countedZones } from '../dns/zone/settings.ts';
import { socketAddress } from '../model/address.ts';
import { routes, textReply } from '../observe/http-exchange.ts';
import { HttpServer } from '../observe/http-server.ts';
import { zoneSettingsFrom } from './dns-settings.ts';

/** Where CoreDNS has its metrics. */
const STATUS_PORT = 9153;

/** Threads that answer queries have this long to tell what they counted. */
const FORWARD_COUNTERS_MS = 1000;

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface DnsStatus {
  readonly config: Config;
  /** Where it answers; the first is its name in metrics. */
  readonly listen: readonly ListenPoint[];
  /** What answers now; nothing while it is being started. */
  readonly server: () => DnsServer | undefined;
}

/** /health, /ready and /metrics, as CoreDNS has them, on one port; `undefined` when nobody wants them. */
export function dnsStatusServer(
  options: DnsStatus & {
    /** Is everything known that there was at the start? */
    readonly isListed: () => boolean;
    readonly log: Log;
    readonly stop: AbortSignal;
  },
): HttpServer | undefined {
  const { config, server, isListed, log, stop } = options;
  const { dnsStatusAddress: wanted } = config;
  if (wanted === undefined) return undefined;
  return new HttpServer({
    name: 'DNS status',
    address: { host: wanted.host, port: wanted.port ?? STATUS_PORT },
    handler: routes({
      '/health': () => textReply(200, 'OK'),
      '/ready': async () => {
        const running = server();
        if (stop.aborted) return textReply(503, 'stopping\n');
        if (running === undefined || !isListed()) return textReply(503, 'not answering yet\n');
        await running.idle();
        return textReply(200, 'OK');
      },
      '/metrics': async () => ({ status: 200, contentType: CONTENT_TYPE, body: await dnsMetrics(options) }),
    }),
    clock: systemClock,
    log,
    whenUnavailable: config.bindAddressHardFail ? 'fail' : 'retry',
  });
}

/** The counters under CoreDNS's names; empty while nothing answers. */
export async function dnsMetrics({ config, listen, server }: DnsStatus): Promise<string> {
  const running = server();
  if (running === undefined) return '';
  const [first] = listen;
  const name = first === undefined ? '' : `dns://${socketAddress(first.host, first.port)}`;
  const zones = countedZones(zoneSettingsFrom(config));
  const build = `coredns_build_info{version="sluice ${packageJson.version}",revision="",goversion=""} 1`;
  // A thread that hangs is not to take the other metrics with it.
  const nothing = new Promise<readonly []>((resolve) => void systemClock.after(FORWARD_COUNTERS_MS, () => resolve([])));
  const forward = await Promise.race([running.forwardCounters(), nothing]);
  return (
    `# HELP coredns_build_info What answers here, under the name that CoreDNS has for it.\n# TYPE coredns_build_info gauge\n${build}\n` +
    exposeCounters({ counters: running.counters, zones, server: name, forward })
  );
}
