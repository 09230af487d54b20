import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../base/clock.ts';
import { SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { preferSmallHeaps, releaseMemory } from '../base/memory.ts';
import type { Config } from '../config/resolve.ts';
import { DnsServer } from '../dns/server.ts';
import { socketAddress } from '../model/address.ts';
import type { ObjectEvent } from '../model/store.ts';
import { dnsChangesOf } from './dns-manifests.ts';
import { listenPointsFrom, responderOptionsFrom, zoneSettingsFrom } from './dns-settings.ts';
import type { ObjectSource } from './dns-source.ts';
import { openSource } from './dns-source.ts';
import { dnsStatusServer } from './dns-status.ts';
import type { Stdin } from './dry-run.ts';

export interface DnsOptions {
  readonly config: Config;
  readonly log: Log;
  readonly stdin: Stdin;
  readonly stop: AbortSignal;
}

/**
 * Answers for the cluster that manifests describe or an API server has, until told to stop.
 *
 * @throws {SluiceError} when the source cannot be used, or an address cannot be listened on.
 */
export async function serveDns({ config, log, stdin, stop }: DnsOptions): Promise<void> {
  preferSmallHeaps();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // It may fail before anybody waits for it, which is below.
  const server = await DnsServer.start({
    ...responderOptionsFrom(config),
    zone: zoneSettingsFrom(config),
    listen: listenPointsFrom(config),
    clock: systemClock,
    onFailure: (reason) =>
      failed.reject(new SluiceError({ code: 'internal', message: `a DNS thread ended: ${reason}` })),
  });
  const apply = (events: readonly ObjectEvent[]): void => {
    const { changes, problems } = dnsChangesOf(events, config);
    for (const problem of problems) log.warn(problem);
    server.apply(changes);
  };
  const listen = listenPointsFrom(config).map((point, i) => ({ ...point, port: server.ports[i] ?? point.port }));
  const listed = Promise.withResolvers<void>();
  let isListed = false;
  let source: ObjectSource | undefined;
  const status = dnsStatusServer({ config, log, stop, listen, server: () => server, isListed: () => isListed });
  try {
    await status?.start();
    source = await openSource(
      { config, log, stdin },
      {
        onObjects: apply,
        onListed: () => {
          server.setSynced();
          isListed = true;
          listed.resolve();
        },
      },
    );
    const ended = stop.aborted ? Promise.resolve() : Promise.race([once(stop, 'abort'), failed.promise]);
    await Promise.race([listed.promise.then(() => server.idle()), ended]);
    const addresses = listen.map(({ host, port }) => socketAddress(host, port));
    // What listing needed is more than what is left of it; and this thread answers nobody meanwhile.
    releaseMemory('last-resort');
    log.info('answering DNS queries', { addresses: addresses.join(' ') });
    await ended;
    // Clients learn only now and then which servers there are.
    await setTimeout(config.dnsLameDuckMs);
  } finally {
    await source?.stop();
    await server.stop();
    await status?.close();
  }
}
