import type { IpAddress } from '../../model/address.ts';
import { familyOf, parseIpAddress, socketAddress } from '../../model/address.ts';

/** An address, and the interface that leads to it where it is a link-local one (RFC 4007, 11). */
export interface Host {
  readonly address: IpAddress;
  readonly link?: string;
}

/** Where a name server listens. */
export interface Endpoint extends Host {
  readonly port: number;
}

/** Where name servers listen unless one says otherwise. */
export const DNS_PORT = 53;

const LINK_LOCAL = /^fe[89ab]/;

/**
 * `10.0.0.1`, `10.0.0.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`, `fe80::1%eth0`, `[fe80::1%eth0]:5353`.
 *
 * @returns `undefined` when the text is none of them.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const bare = parseHost(text);
  if (bare !== undefined) return { ...bare, port: DNS_PORT };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parseHost(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3] ?? DNS_PORT);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  if ((match?.[1] !== undefined) !== (familyOf(host.address) === 'IPv6')) return undefined;
  return { ...host, port };
}

/** `10.0.0.1`, `fe80::1%eth0`; other addresses than link-local ones are not of an interface. */
export function parseHost(text: string): Host | undefined {
  const [, plain = '', link] = /^([^%]*)(?:%([\w.@:-]{1,15}))?$/.exec(text) ?? [];
  const address = parseIpAddress(plain);
  if (address === undefined || link === undefined) return address === undefined ? undefined : { address };
  return LINK_LOCAL.test(address) ? { address, link } : undefined;
}

/** What sockets connect to: `10.0.0.1`, `fe80::1%eth0`. */
export function hostText({ address, link }: Host): string {
  return link === undefined ? address : `${address}%${link}`;
}

/** `10.0.0.1:53`, `[2001:db8::1]:53`, `[fe80::1%eth0]:53`. */
export function endpointText(endpoint: Endpoint): string {
  const { address, link, port } = endpoint;
  return link === undefined ? socketAddress(address, port) : `[${hostText(endpoint)}]:${port}`;
}
