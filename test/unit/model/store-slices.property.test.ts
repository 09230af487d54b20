import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ObjectEvent } from '../../../src/model/store.ts';
import { Store } from '../../../src/model/store.ts';
import { serviceObject, sliceObject } from '../../support/objects.ts';

const KEY = 'default/web:http/tcp';

const service: ObjectEvent = { kind: 'Service', name: 'default/web', json: serviceObject({}) };

const endpoint = fc.record({ last: fc.integer({ min: 1, max: 30 }), ready: fc.boolean() });

/** Of five slices, so that most changes are patches; addresses overlap now and then. */
const slices: fc.Arbitrary<ObjectEvent> = fc
  .record({
    number: fc.integer({ min: 0, max: 4 }),
    endpoints: fc.option(fc.array(endpoint, { maxLength: 12 })),
    apart: fc.boolean(),
    port: fc.constantFrom(8080, 8080, 9090),
  })
  .map(({ number, endpoints, apart, port }) => ({
    kind: 'EndpointSlice',
    name: `default/web-${number}`,
    json:
      endpoints === null
        ? undefined
        : sliceObject({
            metadata: { name: `web-${number}` },
            ports: [{ name: 'http', port }],
            endpoints: endpoints.map(({ last, ready }) => ({
              addresses: [`10.0.${apart ? number : 9}.${last}`],
              conditions: { ready },
            })),
          }),
  }));

const history = fc.array(fc.record({ event: slices, look: fc.boolean() }), { maxLength: 30 });

it('has the endpoints of a Service with many slices right, change by change', () => {
  fc.assert(
    fc.property(history, (steps) => {
      const store = new Store();
      store.apply(service);
      const last = new Map<string, ObjectEvent>();
      for (const { event, look } of steps) {
        store.apply(event);
        last.set(event.name, event);
        if (!look) continue;
        const fresh = new Store();
        for (const known of [service, ...last.values()]) fresh.apply(known);
        expect(store.snapshot().endpoints.get(KEY)).toEqual(fresh.snapshot().endpoints.get(KEY));
      }
    }),
    { numRuns: 300 },
  );
});

it('keeps the endpoints that a change is not about', () => {
  const store = new Store();
  store.apply(service);
  const write = (number: number, count: number): void => {
    const endpoints = Array.from({ length: count }, (_, i) => ({ addresses: [`10.0.${number}.${i + 1}`] }));
    const json = sliceObject({ metadata: { name: `web-${number}` }, endpoints });
    store.apply({ kind: 'EndpointSlice', name: `default/web-${number}`, json });
  };
  for (const number of [1, 2, 3, 4]) write(number, 20);
  const before = new Set(store.snapshot().endpoints.get(KEY));
  write(2, 19);
  const after = store.snapshot().endpoints.get(KEY) ?? [];
  expect([before.size, after.length, after.every((one) => before.has(one))]).toEqual([80, 79, true]);
});
