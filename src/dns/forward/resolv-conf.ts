import type { Host } from './endpoint.ts';
import { hostText, parseHost } from './endpoint.ts';

/** As many as the C library and the kubelet look at. */
const MAX_NAMESERVERS = 3;

/** Where systemd-resolved listens; that it does so with a cache of its own is why its own upstreams are better. */
const SYSTEMD_STUB = '127.0.0.53';

/** What systemd-resolved itself asks. */
export const SYSTEMD_RESOLV_CONF = '/run/systemd/resolve/resolv.conf';

/** The name servers of a resolv.conf(5), at most three. */
export function parseResolvConf(text: string): readonly Host[] {
  const found = new Map<string, Host>();
  for (const line of text.split('\n')) {
    const [keyword, value = ''] = line.trim().split(/\s+/);
    const host = keyword === 'nameserver' ? parseHost(value) : undefined;
    if (host !== undefined) found.set(hostText(host), host);
  }
  return [...found.values()].slice(0, MAX_NAMESERVERS);
}

/**
 * The name servers of the node. Where resolv.conf leads to systemd-resolved, which would ask us again on some nodes
 * (coredns#2087), the file with its upstreams counts.
 *
 * @param read gives the text of a file, `undefined` when there is none.
 */
export function readNameservers(path: string, read: (path: string) => string | undefined): readonly Host[] | undefined {
  const text = read(path);
  if (text === undefined) return undefined;
  const own = parseResolvConf(text);
  if (!own.some(({ address }) => address === SYSTEMD_STUB)) return own;
  const real = parseResolvConf(read(SYSTEMD_RESOLV_CONF) ?? '');
  return real.length > 0 ? real : own;
}
