import { networkInterfaces } from 'node:os';

/**
 * The addresses of this machine's interfaces that are up, loopback included, without zone identifiers; each once, in
 * the order of the interfaces.
 */
export function interfaceAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return [...new Set(all.map(({ address }) => address.replace(/%.*$/, '')))];
}
