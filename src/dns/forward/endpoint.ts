import type { IpAddress } from '../../model/address.ts';
import { familyOf, parseIpAddress, socketAddress } from '../../model/address.ts';

/** Where a name server listens. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

const DNS_PORT = 53;

/** `10.0.0.1`, `10.0.0.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. @returns `undefined` when the text is none of them. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const bare = parseIpAddress(text);
  if (bare !== undefined) return { address: bare, port: DNS_PORT };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const address = parseIpAddress(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3] ?? DNS_PORT);
  if (address === undefined || port < 1 || port > 65_535) return undefined;
  if ((match?.[1] !== undefined) !== (familyOf(address) === 'IPv6')) return undefined;
  return { address, port };
}

/** `10.0.0.1:53`, `[2001:db8::1]:53`. */
export function endpointText({ address, port }: Endpoint): string {
  return socketAddress(address, port);
}
