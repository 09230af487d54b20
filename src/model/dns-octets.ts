import type { IpAddress } from './address.ts';
import { addressBytes } from './address.ts';

/**
 * Octets as text, one character each. Where there are tens of thousands of short runs of octets, text takes a third of the
 * memory of typed arrays, and it can be the key of a Map.
 */
export type Octets = string;

/** 4 or 16 octets in network byte order. */
export function addressOctets(address: IpAddress): Octets {
  return String.fromCharCode(...addressBytes(address));
}
