import type { Config } from '../config/resolve.ts';
import type { ForwardConfig } from '../dns/forward/config.ts';
import type { ReplySettings } from '../dns/reply.ts';
import type { ListenPoint } from '../dns/server/listen-point.ts';
import { encodeName } from '../dns/wire/name.ts';
import { SluiceError } from '../base/errors.ts';
import type { ZoneSettings } from '../dns/zone/settings.ts';
import { DEFAULT_ZONE_SETTINGS } from '../dns/zone/settings.ts';
import { forwardTuningFrom } from './dns-forward-settings.ts';
import { isLoopback, parseIpAddress, socketAddress } from '../model/address.ts';

const DNS_PORT = 53;

/** Where one can try it without root. */
const DEFAULT_PORT = 5353;
const LOOPBACK = parseIpAddress('127.0.0.1');

/** Where queries are answered. */
export function listenPointsFrom({ dnsListen }: Config): readonly ListenPoint[] {
  if (dnsListen.length === 0 && LOOPBACK !== undefined) return [{ host: LOOPBACK, port: DEFAULT_PORT }];
  return dnsListen.map(({ host, port = DNS_PORT }) => ({ host, port }));
}

/** @throws {SluiceError} `bad-config` for a cluster domain that is no name. */
export function zoneSettingsFrom(config: Config): ZoneSettings {
  for (const zone of config.dnsZones) {
    if (encodeName(zone) !== undefined && zone !== '.') continue;
    throw new SluiceError({
      code: 'bad-config',
      message: `--cluster-domain: ${JSON.stringify(zone)} is not a domain name`,
    });
  }
  const reachable = listenPointsFrom(config).filter(
    ({ host }) => !isLoopback(host) && host !== '0.0.0.0' && host !== '::',
  );
  return {
    zones: config.dnsZones.length > 0 ? config.dnsZones : DEFAULT_ZONE_SETTINGS.zones,
    ttlS: config.dnsTtlS,
    headlessTtlS: config.dnsHeadlessTtlS ?? config.dnsTtlS,
    pods: config.dnsPods,
    gated: false,
    nameServers: reachable.map(({ host }) => host),
    localNetworks: config.dnsLocalNetworks,
  };
}

export function replySettingsFrom(config: Config): ReplySettings {
  return {
    maxUdpBytes: config.dnsUdpBytes,
    nsid: config.dnsNsid ?? '',
    recursion: forwardConfigFrom(config) !== undefined,
  };
}

/** Who is asked for other names; `undefined`: nobody. */
export function forwardConfigFrom(config: Config): ForwardConfig | undefined {
  const { dnsUpstreams, dnsStubDomains, dnsUdpBytes } = config;
  if (dnsUpstreams.length === 0 && dnsStubDomains.length === 0) return undefined;
  const upstreams = dnsUpstreams.map(({ host, port = DNS_PORT }) => socketAddress(host, port));
  return { ...forwardTuningFrom(config), upstreams, resolvConf: undefined, udpBytes: dnsUdpBytes };
}
