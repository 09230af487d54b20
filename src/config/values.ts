import type { LogLevel } from '../base/log.ts';
import type { IpAddress } from '../model/address.ts';
import { parseIpAddress, socketAddress } from '../model/address.ts';

const DURATION = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const DURATION_PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const NS_PER_MS = 1_000_000;
const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ns: 1e-6,
};

/** Go's durations, in milliseconds: `1h30m`, `1.5s`, `250ms`, `-1s`, `0`. @returns `undefined` for other text. */
export function parseDurationMs(text: string): number | undefined {
  if (/^[-+]?0$/.test(text)) return 0;
  if (!DURATION.test(text)) return undefined;
  const parts = Array.from(
    text.matchAll(DURATION_PART),
    ([, amount, unit = '']) => Number(amount) * (UNIT_MS[unit] ?? 0),
  );
  const sum = parts.reduce((total, part) => total + part, 0);
  return Math.round((text.startsWith('-') ? -sum : sum) * NS_PER_MS) / NS_PER_MS;
}

/** A duration, not negative, as Go writes it: `1h0m0s`, `1m30s`, `1.5s`, `250ms`, `0s`. */
export function durationText(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs < 1000) return durationMs >= 1 ? `${durationMs}ms` : `${Math.round(durationMs * NS_PER_MS)}ns`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor((durationMs % 3_600_000) / 60_000);
  const seconds = `${(durationMs % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

/** A parser of decimal numbers within bounds, these included. */
export function parseInteger(min: number, max: number): (text: string) => number | undefined {
  return (text) => (/^-?\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined);
}

/** Decimal numbers with or without a fraction. */
export function parseNumber(text: string): number | undefined {
  return /^-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : undefined;
}

const INTERFACE_NAME = /^[\w.@:-]{1,15}$/;

/** Names of interfaces go into rules: only what the kernel allows and no tool has to quote. */
export function parseInterfaceName(text: string): string | undefined {
  return INTERFACE_NAME.test(text) ? text : undefined;
}

const SCHEDULER_NAME = /^[a-z][\w-]{0,14}$/;

/** Names of IPVS schedulers go into commands: only what the kernel could have (IP_VS_SCHEDNAME_MAXLEN). */
export function parseScheduler(text: string): string | undefined {
  return SCHEDULER_NAME.test(text) ? text : undefined;
}

/** What a server listens on. `0.0.0.0` means both families, as it does in kube-proxy (Go's "tcp" is dual-stack). */
export interface ListenAddress {
  readonly host: IpAddress;
  readonly port: number;
}

const HOST_PORT = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/;

/**
 * `10.0.0.1`, `fd00::1`, `10.0.0.1:80`, `[fd00::1]:80`. Host names are no addresses, and 0 is no port.
 *
 * @returns no port where the text has none.
 */
export function parseListenAddress(text: string): { readonly host: IpAddress; readonly port?: number } | undefined {
  const bare = parseIpAddress(text);
  if (bare !== undefined) return { host: bare };
  const [, bracketed, plain, digits = ''] = HOST_PORT.exec(text) ?? [];
  const host = parseIpAddress(bracketed ?? plain ?? '');
  const port = parseInteger(1, 65_535)(digits);
  return host === undefined || port === undefined ? undefined : { host, port };
}

const DNS_PORT = 53;

/**
 * Zones with their servers: `corp.example=10.0.0.53,10.0.0.54:5353,lab.example=fd00::53`.
 *
 * @returns each server with its zone, as `corp.example=10.0.0.53:53`.
 */
export function parseStubDomains(text: string): readonly string[] | undefined {
  const servers: string[] = [];
  let zone = '';
  for (const item of text.split(',')) {
    const [, named, server = ''] = /^\s*(?:([^\s=]+)=)?(\S+)\s*$/.exec(item) ?? [];
    const address = parseListenAddress(server);
    zone = named?.toLowerCase() ?? zone;
    if (zone === '' || address === undefined) return undefined;
    servers.push(`${zone}=${socketAddress(address.host, address.port ?? DNS_PORT)}`);
  }
  return servers;
}

/** The inverse of {@link parseListenAddress}. */
export function listenAddressText({ host, port }: { readonly host: IpAddress; readonly port?: number }): string {
  return port === undefined ? host : socketAddress(host, port);
}

const GATE = /^(\w+)=(true|false)$/i;

/** `Name=true`, one feature gate. */
export function parseGate(text: string): readonly [name: string, on: boolean] | undefined {
  const [, name, on] = GATE.exec(text) ?? [];
  return name === undefined || on === undefined ? undefined : [name, on.toLowerCase() === 'true'];
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent'];

/** Where kube-proxy's verbosity begins to tell of every change. */
const DEBUG_VERBOSITY = 4;

/** Our words, or the number that kube-proxy's `-v` takes. */
export function parseLogLevel(text: string): LogLevel | undefined {
  if (/^\d+$/.test(text)) return Number(text) < DEBUG_VERBOSITY ? 'info' : 'debug';
  return LOG_LEVELS.find((level) => level === text);
}

/** The number for `-v` that comes closest to a level. */
export function verbosityOf(level: LogLevel): number {
  return level === 'debug' ? DEBUG_VERBOSITY : 0;
}

/** What kube-proxy calls its ways to write rules. */
export const PROXY_MODES = ['iptables', 'ipvs', 'nftables'] as const;

export type ProxyMode = (typeof PROXY_MODES)[number];

/** The mode of kube-proxy that a backend stands for, by our name for the backend or kube-proxy's. */
export function parseProxyMode(word: string): ProxyMode | undefined {
  return word === 'nft' ? 'nftables' : PROXY_MODES.find((mode) => mode === word);
}
