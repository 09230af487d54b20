import { expect } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { DnsServerOptions } from '../../../src/dns/server.ts';
import { DnsServer } from '../../../src/dns/server.ts';
import { DEFAULT_ZONE_SETTINGS } from '../../../src/dns/zone/settings.ts';
import type { DnsChange } from '../../../src/model/dns-change.ts';
import { changesFrom } from './cluster.ts';
import { CLUSTER } from './objects.ts';

export const HOST = '127.0.0.1';

/** A real server on a port of its own, with threads that are not to end by themselves. */
export function startEmptyServer(options: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  return DnsServer.start({
    threads: 1,
    queriesPerClient: 0,
    zone: DEFAULT_ZONE_SETTINGS,
    reply: { maxUdpBytes: 1232, nsid: 'node-7', recursion: false },
    listen: [{ host: HOST as never, port: 0 }],
    logQueries: false,
    logLevel: 'silent',
    logFormat: 'text',
    clock: systemClock,
    onFailure: (reason) => expect.unreachable(reason),
    ...options,
  });
}

/** The same when it knows all objects. */
export async function startServer(
  options: Partial<DnsServerOptions> = {},
  changes: readonly DnsChange[] = changesFrom(CLUSTER),
): Promise<DnsServer> {
  const server = await startEmptyServer(options);
  server.apply(changes);
  server.setSynced();
  await server.idle();
  return server;
}
