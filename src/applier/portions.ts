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
  const ports = [...snapshot.servicePorts.values()].sort(
    (a, b) => a.createdAtMs - b.createdAtMs || (a.key < b.key ? -1 : 1),
  );
  let grown: Snapshot = { ...snapshot, servicePorts: PersistentMap.empty() };
  let size = sizes.first;
  for (let start = 0; ; size = Math.min(size * 2, sizes.most)) {
    const end = wholeServices(ports, start + size);
    const steps: Snapshot[] = [];
    while (start < end) {
      const next = Math.min(wholeServices(ports, start + STEP), end);
      const step = ports.slice(start, next);
      const servicePorts = grown.servicePorts.update((draft) => {
        for (const port of step) draft.set(port.key, port);
      });
      // The very snapshot in the end: the next one is compared with it at the cost of what differs.
      steps.push((grown = next === ports.length ? snapshot : { ...grown, servicePorts }));
      start = next;
    }
    if (steps.length === 0) steps.push(snapshot);
    yield steps;
    if (start === ports.length) return;
  }
}

/** The first place from `from` on where another Service begins. */
function wholeServices(ports: readonly ServicePort[], from: number): number {
  let end = Math.min(from, ports.length);
  while (end < ports.length && ports[end]?.service === ports[end - 1]?.service) end++;
  return end;
}
