import { networkInterfaces } from 'node:os';

let lastSeen: readonly string[] | undefined;

/**
 * The addresses of this machine's interfaces that are up, loopback included, without zone identifiers; each once, in
 * the order of the interfaces. The last ones that were seen when the kernel cannot be asked, for want of file descriptors.
 */
export function interfaceAddresses(): readonly string[] {
  try {
    const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    lastSeen = [...new Set(all.map(({ address }) => address.replace(/%.*$/, '')))];
  } catch (thrown) {
    if (lastSeen === undefined) throw thrown;
  }
  return lastSeen;
}
