import type { Config } from '../config/resolve.ts';
import type { ForwardConfig } from '../dns/forward/config.ts';
import type { ReplySettings } from '../dns/reply.ts';
import type { DnsServerOptions } from '../dns/server.ts';
import type { ListenPoint } from '../dns/server/listen-point.ts';
import { encodeName } from '../dns/wire/name.ts';
import { SluiceError } from '../base/errors.ts';
import type { ZoneSettings } from '../dns/zone/settings.ts';
import { DEFAULT_ZONE_SETTINGS } from '../dns/zone/settings.ts';
import { forwardTuningFrom } from './dns-forward-settings.ts';
import type { IpAddress } from '../model/address.ts';
import { isLoopback, parseIpAddress, socketAddress } from '../model/address.ts';

export const DNS_PORT = 53;

/** Where one can try it without root. */
const DEFAULT_PORT = 5353;
const LOOPBACK = parseIpAddress('127.0.0.1');

/** Where queries are answered. */
export function listenPointsFrom({ dnsListen }: Config): readonly ListenPoint[] {
  if (dnsListen.length === 0 && LOOPBACK !== undefined) return [{ host: LOOPBACK, port: DEFAULT_PORT }];
  return dnsListen.map(({ host, port = DNS_PORT }) => ({ host, port }));
}

/**
 * @param nameServers where this server answers.
 * @throws {SluiceError} `bad-config` for a cluster domain that is no name.
 */
export function zoneSettingsFrom(
  config: Config,
  nameServers: readonly IpAddress[] = reachableAddresses(config),
): ZoneSettings {
  for (const zone of config.dnsZones) {
    if (encodeName(zone) !== undefined && zone !== '.') continue;
    throw new SluiceError({
      code: 'bad-config',
      message: `--cluster-domain: ${JSON.stringify(zone)} is not a domain name`,
    });
  }
  return {
    zones: config.dnsZones.length > 0 ? config.dnsZones : DEFAULT_ZONE_SETTINGS.zones,
    ttlS: config.dnsTtlS,
    headlessTtlS: config.dnsHeadlessTtlS ?? config.dnsTtlS,
    pods: config.dnsPods,
    zonal: config.dnsZonalNames,
    // Beside a proxy, names wait for its rules.
    gated: config.dns,
    nameServers,
    localNetworks: config.dnsLocalNetworks,
  };
}

function reachableAddresses(config: Config): readonly IpAddress[] {
  const hosts = listenPointsFrom(config).map(({ host }) => host);
  return hosts.filter((host) => !isLoopback(host) && host !== '0.0.0.0' && host !== '::');
}

export function replySettingsFrom(config: Config): ReplySettings {
  const { dnsUdpBytes, dnsNsid } = config;
  return { maxUdpBytes: dnsUdpBytes, nsid: dnsNsid ?? '', recursion: forwardConfigFrom(config) !== undefined };
}

/** What the C library reads. */
const RESOLV_CONF = '/etc/resolv.conf';

/** Who is asked for other names; `undefined`: nobody. */
export function forwardConfigFrom(config: Config): ForwardConfig | undefined {
  const {
    dns,
    dnsUpstreams,
    dnsStubDomains,
    dnsUdpBytes,
    dnsResolvConf: resolvConf = dns ? RESOLV_CONF : undefined,
  } = config;
  if (dnsUpstreams.length === 0 && dnsStubDomains.length === 0 && resolvConf === undefined) return undefined;
  const upstreams = dnsUpstreams.map(({ host, port = DNS_PORT }) => socketAddress(host, port));
  return { ...forwardTuningFrom(config), upstreams, resolvConf, udpBytes: dnsUdpBytes };
}

/** How a responder with these settings is started; what is left to say is where. */
export function responderOptionsFrom(
  config: Config,
): Omit<DnsServerOptions, 'zone' | 'listen' | 'clock' | 'onFailure'> {
  const forward = forwardConfigFrom(config);
  return {
    reply: replySettingsFrom(config),
    ...(forward === undefined ? {} : { forward }),
    queriesPerClient: config.dnsClientLimit,
    transferTo: config.dnsTransferTo,
    logQueries: config.dnsLogQueries,
    logLevel: config.logLevel,
    logFormat: config.logFormat,
    threads: config.dnsThreads,
  };
}
