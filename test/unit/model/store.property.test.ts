import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { diffMaps } from '../../../src/base/persistent-map.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import type { ObjectEvent } from '../../../src/model/store.ts';
import { Store } from '../../../src/model/store.ts';
import { serviceObject, sliceObject } from '../../support/objects.ts';

const names = fc.constantFrom('a', 'b', 'c');
const portNames = fc.constantFrom('http', 'www', '');

const services = fc
  .record({
    name: names,
    ports: fc.uniqueArray(portNames, { maxLength: 3 }),
    clusterIP: fc.constantFrom('10.96.0.1', 'None', 'bad'),
  })
  .map(
    ({ name, ports, clusterIP }): ObjectEvent => ({
      kind: 'Service',
      name: `default/${name}`,
      json: serviceObject({
        metadata: { name },
        spec: { clusterIP, ports: ports.map((port, i) => ({ name: port, port: 80 + i })) },
      }),
    }),
  );

const endpoint = fc.record({
  last: fc.integer({ min: 1, max: 4 }),
  ready: fc.boolean(),
  terminating: fc.boolean(),
  node: names,
});

const slices = fc
  .record({ slice: names, owner: names, port: portNames, endpoints: fc.array(endpoint, { maxLength: 4 }) })
  .map(
    ({ slice, owner, port, endpoints }): ObjectEvent => ({
      kind: 'EndpointSlice',
      name: `default/s-${slice}`,
      json: sliceObject({
        metadata: { name: `s-${slice}`, labels: { 'kubernetes.io/service-name': owner } },
        ports: [{ name: port, port: 8080 }],
        endpoints: endpoints.map(({ last, ready, terminating, node }) => ({
          addresses: [`10.0.0.${last}`],
          nodeName: node,
          conditions: { ready, terminating },
        })),
      }),
    }),
  );

const events = fc.array(
  fc
    .record({ event: fc.oneof(services, slices), deleted: fc.boolean() })
    .map(({ event, deleted }) => (deleted ? { ...event, json: undefined } : event)),
  { maxLength: 30 },
);

function content(snapshot: Snapshot) {
  return { ports: [...snapshot.servicePorts], endpoints: [...snapshot.endpoints], cidrs: snapshot.serviceCidrs };
}

/** The last event of every object that exists at the end, in any order. */
function finalState(history: readonly ObjectEvent[]): readonly ObjectEvent[] {
  const last = new Map(history.map((event) => [`${event.kind} ${event.name}`, event]));
  return [...last.values()].filter((event) => event.json !== undefined);
}

it('ends in the same content and problems, whatever the order and the detours', () => {
  const runs = events.chain((history) =>
    fc.tuple(
      fc.constant(history),
      fc.shuffledSubarray([...finalState(history)], { minLength: finalState(history).length }),
    ),
  );
  fc.assert(
    fc.property(runs, ([history, shuffled]) => {
      const lived = new Store();
      for (const event of history) {
        lived.apply(event);
        lived.snapshot();
      }
      const fresh = new Store();
      for (const event of shuffled) fresh.apply(event);
      expect(content(lived.snapshot())).toEqual(content(fresh.snapshot()));
      expect(lived.problems()).toEqual(fresh.problems());
      expect(lived.orphanSlices()).toEqual(fresh.orphanSlices());
    }),
    { numRuns: 300 },
  );
});

it('touches only the Services that an event is about', () => {
  fc.assert(
    fc.property(events, (history) => {
      const store = new Store();
      let before = store.snapshot();
      const owners = new Map<string, string>();
      for (const event of history) {
        const allowed = new Set([event.name, owners.get(event.name)]);
        const json = event.json as { metadata?: { labels?: Record<string, string> } } | undefined;
        const owner = json?.metadata?.labels?.['kubernetes.io/service-name'];
        if (event.kind === 'EndpointSlice') {
          if (owner === undefined) owners.delete(event.name);
          else owners.set(event.name, `default/${owner}`);
          allowed.add(owners.get(event.name));
        }
        store.apply(event);
        const after = store.snapshot();
        const touched: string[] = [];
        diffMaps(before.servicePorts, after.servicePorts, (key) => touched.push(key));
        diffMaps(before.endpoints, after.endpoints, (key) => touched.push(key));
        expect(touched.filter((key) => !allowed.has(key.split(':')[0]))).toEqual([]);
        expect(after.revision).toBe(before === after ? before.revision : before.revision + 1);
        expect([...after.endpoints.keys()]).toEqual([...after.servicePorts.keys()]);
        before = after;
      }
    }),
    { numRuns: 300 },
  );
});
