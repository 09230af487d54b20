import { equalData } from '../base/equal.ts';
import { socketAddress } from './address.ts';
import type { EndpointSlice } from './decode-endpoint-slice.ts';
import type { Endpoint } from './endpoint.ts';
import type { ServicePort } from './service.ts';

/** The one list of all service ports without endpoints, so that it is the same object before and after. */
export const NO_ENDPOINTS: readonly Endpoint[] = [];

/**
 * The endpoints of a service port over all slices of its Service, sorted as text by address and port. Of two entries for
 * one address and port the non-terminating wins, then the ready one, the serving one, and the one whose slice has the
 * smaller name: the order of the slices given does not matter.
 */
export function mergeEndpoints(
  port: Pick<ServicePort, 'portName' | 'protocol'>,
  slices: Iterable<EndpointSlice>,
): readonly Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of [...slices].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const matching = slice.ports.filter((other) => other.name === port.portName && other.protocol === port.protocol);
    for (const { port: number } of matching) {
      for (const candidate of slice.endpoints) {
        const key = socketAddress(candidate.address, number);
        const known = found.get(key);
        if (known === undefined || rank(candidate) < rank(known)) found.set(key, { ...candidate, port: number });
      }
    }
  }
  if (found.size === 0) return NO_ENDPOINTS;
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([, endpoint]) => endpoint);
}

/** Smaller is better. */
function rank(endpoint: Pick<Endpoint, 'ready' | 'serving' | 'terminating'>): number {
  return (endpoint.terminating ? 4 : 0) + (endpoint.ready ? 0 : 2) + (endpoint.serving ? 0 : 1);
}

/** `next`, unless it says the same as `previous`: then that. */
export function keepIdentity<T>(previous: T | undefined, next: T): T {
  return previous !== undefined && equalData(previous, next) ? previous : next;
}
