import { PersistentMap } from '../base/persistent-map.ts';
import type { ServicePort } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** Sizes in service ports. */
export interface PortionSizes {
  /** Of the first slice; every other is twice as large as the one before. */
  readonly first: number;
  /** No slice is larger, except by what is left of a Service. */
  readonly most: number;
}

/** Service ports that are compiled in one go, a few milliseconds' worth. */
const STEP = 250;

/**
 * A snapshot that grows to the given one by whole Services, in slices of several steps each. The oldest Services come first: a
 * destination that several Services claim is the oldest's, so none that has been given away is ever taken back.
 */
export function* slicesOf(snapshot: Snapshot, sizes: PortionSizes): Generator<readonly Snapshot[]> {
  const ports: ServicePort[] = [];
  snapshot.servicePorts.forEach((port) => ports.push(port));
  const places = placesByAge(ports);
  let grown: Snapshot = { ...snapshot, servicePorts: PersistentMap.empty() };
  let size = sizes.first;
  for (let start = 0; ; size = Math.min(size * 2, sizes.most)) {
    const end = wholeServices(ports, places, start + size);
    // Of a slice, those are compiled together that are near each other in the map: each step then copies few of its nodes.
    const slice = places.slice(start, end).sort();
    const steps: Snapshot[] = [];
    for (let from = 0; from < slice.length; from += STEP) {
      const servicePorts = grown.servicePorts.update((draft) => {
        for (const place of slice.subarray(from, from + STEP)) {
          const port = ports[place];
          if (port !== undefined) draft.set(port.key, port);
        }
      });
      // The very snapshot in the end: the next one is compared with it at the cost of what differs.
      const isLast = end === ports.length && from + STEP >= slice.length;
      steps.push((grown = isLast ? snapshot : { ...grown, servicePorts }));
    }
    start = end;
    if (steps.length === 0) steps.push(snapshot);
    yield steps;
    if (start === ports.length) return;
  }
}

/** Where the ports are in the list, the oldest first; among equals the name decides. */
function placesByAge(ports: readonly ServicePort[]): Uint32Array {
  const places = ports.map((_, place) => place);
  const compare = (a: ServicePort, b: ServicePort): number => a.createdAtMs - b.createdAtMs || (a.key < b.key ? -1 : 1);
  return Uint32Array.from(places.sort((a, b) => compare(ports[a] as ServicePort, ports[b] as ServicePort)));
}

/** The first of the places from `from` on where another Service begins. */
function wholeServices(ports: readonly ServicePort[], places: Uint32Array, from: number): number {
  const serviceAt = (nth: number): string | undefined => ports[places[nth] ?? -1]?.service;
  let end = Math.min(from, ports.length);
  while (end < ports.length && serviceAt(end) === serviceAt(end - 1)) end++;
  return end;
}
