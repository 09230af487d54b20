import { networkInterfaces } from 'node:os';
import type { Endpoint } from './endpoint.ts';
import { endpointText, parseEndpoint } from './endpoint.ts';

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Whether a name server is ourselves: a query to it would come back to us.
 *
 * @param own `ADDR:PORT` of our sockets; `0.0.0.0` and `::` are all addresses that the machine has now.
 */
export function isOwnAddress(endpoint: Endpoint, own: readonly string[]): boolean {
  if (own.includes(endpointText(endpoint))) return true;
  const listensOnAny = own.some((text) => {
    const socket = parseEndpoint(text);
    return socket !== undefined && socket.port === endpoint.port && ANY_ADDRESS.has(socket.address);
  });
  return listensOnAny && isOfThisMachine(endpoint);
}

function isOfThisMachine({ address, link }: Endpoint): boolean {
  if (address.startsWith('127.') || ANY_ADDRESS.has(address)) return true;
  return Object.entries(networkInterfaces()).some(
    ([name, entries]) => (link ?? name) === name && entries?.some((entry) => entry.address === address),
  );
}
