import { compareText } from '../base/compare-text.ts';
import { equalData } from '../base/equal.ts';
import { socketAddress } from './address.ts';
import type { EndpointSlice } from './decode-endpoint-slice.ts';
import type { Endpoint } from './endpoint.ts';
import type { ObjectName, ServicePort } from './service.ts';

/** The one list of all service ports without endpoints, so that it is the same object before and after. */
export const NO_ENDPOINTS: readonly Endpoint[] = [];

type PortName = Pick<ServicePort, 'portName' | 'protocol'>;

/**
 * The endpoints of a service port over all slices of its Service, sorted as text by address and port. Of two entries for
 * one address and port the non-terminating wins, then the ready one, the serving one, and the one whose slice has the
 * smaller name: the order of the slices given does not matter.
 */
export function mergeEndpoints(port: PortName, slices: readonly EndpointSlice[]): readonly Endpoint[] {
  const sorted = slices.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lists = sorted.map((slice) => endpointsIn(slice, port)).filter((list) => list.length > 0);
  return lists.length === 1 && lists[0] !== undefined ? lists[0] : sortEndpoints(lists.flat());
}

/** Of one slice: sorted and without duplicates like the whole. */
function endpointsIn(slice: EndpointSlice | undefined, { portName, protocol }: PortName): readonly Endpoint[] {
  const port = slice?.ports.find((other) => other.name === portName && other.protocol === protocol);
  return port?.endpoints ?? NO_ENDPOINTS;
}

/** In the order of {@link mergeEndpoints}. Of two for one address and port the better one stays, or else the first. */
export function sortEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (endpoints.length === 0) return NO_ENDPOINTS;
  const keyed = endpoints.map((endpoint) => ({ key: keyOf(endpoint), endpoint }));
  if (keyed.length > 1) keyed.sort((a, b) => compareText(a.key, b.key));
  let last = 0;
  for (const candidate of keyed) {
    const known = keyed[last] ?? candidate;
    if (known.key !== candidate.key) keyed[++last] = candidate;
    else if (rank(candidate.endpoint) < rank(known.endpoint)) keyed[last] = candidate;
  }
  keyed.length = last + 1;
  return keyed.map(({ endpoint }) => endpoint);
}

function keyOf({ address, port }: Endpoint): string {
  return socketAddress(address, port);
}

/** Smaller is better. */
function rank(endpoint: Pick<Endpoint, 'ready' | 'serving' | 'terminating'>): number {
  return (endpoint.terminating ? 4 : 0) + (endpoint.ready ? 0 : 2) + (endpoint.serving ? 0 : 1);
}

/** Beyond this a merge of everything is cheaper. */
const MAX_EDITS = 64;

/**
 * What {@link mergeEndpoints} would give for `slices`, from what it gave before some of them changed, at the price of the
 * change. `undefined` when that cannot be told: some endpoint is in more than one slice, or too much has changed.
 *
 * @param formerly the slices that changed, by name, as they were; `undefined` for new ones.
 */
export function patchEndpoints(
  port: PortName,
  merged: readonly Endpoint[],
  change: {
    readonly slices: readonly EndpointSlice[];
    readonly formerly: ReadonlyMap<ObjectName, EndpointSlice | undefined>;
  },
): readonly Endpoint[] | undefined {
  const { slices, formerly } = change;
  let count = 0;
  for (const slice of slices) if (!formerly.has(slice.name)) count += endpointsIn(slice, port).length;
  const gone: Endpoint[] = [];
  const come: Endpoint[] = [];
  for (const [name, former] of formerly) {
    const before = endpointsIn(former, port);
    count += before.length;
    const latter = slices.find((slice) => slice.name === name);
    alignEndpoints(before, endpointsIn(latter, port), (old, now) => {
      if (old === now) return;
      if (old !== undefined) gone.push(old);
      if (now !== undefined) come.push(now);
    });
  }
  if (count !== merged.length || gone.length + come.length > MAX_EDITS) return undefined;
  const patched = [...merged];
  for (const endpoint of gone) patched.splice(placeOf(endpoint, patched), 1);
  for (const endpoint of come) {
    const place = placeOf(endpoint, patched);
    const there = patched[place];
    if (there !== undefined && keyOf(there) === keyOf(endpoint)) return undefined;
    patched.splice(place, 0, endpoint);
  }
  return patched.length === 0 ? NO_ENDPOINTS : patched;
}

/** Where the endpoint is in the sorted list, or belongs. */
function placeOf(endpoint: Endpoint, list: readonly Endpoint[]): number {
  const key = keyOf(endpoint);
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = list[middle];
    if (other !== undefined && keyOf(other) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Walks two sorted lists side by side; called for every address and port, with what each list has there. */
function alignEndpoints(
  before: readonly Endpoint[],
  after: readonly Endpoint[],
  see: (old: Endpoint | undefined, now: Endpoint | undefined) => void,
): void {
  let next = 0;
  for (const now of after) {
    let old = before[next];
    while (old !== undefined && !isSamePlace(old, now) && keyOf(old) < keyOf(now)) {
      see(old, undefined);
      old = before[++next];
    }
    if (old !== undefined && isSamePlace(old, now)) next++;
    else old = undefined;
    see(old, now);
  }
  for (; next < before.length; next++) see(before[next], undefined);
}

function isSamePlace(a: Endpoint, b: Endpoint): boolean {
  return a.address === b.address && a.port === b.port;
}

/** `next`, with every endpoint that says the same as in `previous` being the same object. */
export function keepEndpoints(previous: EndpointSlice, next: EndpointSlice): EndpointSlice {
  const ports = next.ports.map((port) => {
    const before = previous.ports.find((other) => other.name === port.name && other.protocol === port.protocol);
    if (before === undefined) return port;
    const endpoints: Endpoint[] = [];
    alignEndpoints(before.endpoints, port.endpoints, (old, now) => {
      if (now !== undefined) endpoints.push(keepIdentity(old, now));
    });
    return { ...port, endpoints };
  });
  return { ...next, ports };
}

/** `next`, unless it says the same as `previous`: then that. */
export function keepIdentity<T>(previous: T | undefined, next: T): T {
  return previous !== undefined && equalData(previous, next) ? previous : next;
}
