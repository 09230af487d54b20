import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Store } from '../../../src/model/store.ts';
import { serviceObject } from '../../support/objects.ts';

it('lets nothing through that could end a comment, a rule or a line', () => {
  const nasty = fc.oneof(
    fc.constantFrom('web', 'default', 'http', '10.96.0.9', '192.0.2.0/24', 'TCP', 'Local'),
    fc.string({ unit: fc.constantFrom('"', '\n', ';', '{', '}', ' ', '\\', '#', '\0', 'a', '1', '.', ':', '/') }),
    fc
      .tuple(fc.constantFrom('web', '10.96.0.9', '192.0.2.0/24'), fc.constantFrom('"', '\n', ';', '\n}', '"; drop'))
      .map((parts) => parts.join('')),
  );
  const junk = fc.oneof({ weight: 5, arbitrary: nasty }, { weight: 1, arbitrary: fc.jsonValue() });
  // Mostly good, so that a good share of the Services is accepted and the nasty parts of those have to be dealt with.
  const orJunk = (good: unknown) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: junk });
  const shape = fc.record({
    metadata: fc.record(
      {
        namespace: orJunk('default'),
        name: orJunk('web'),
        labels: fc.dictionary(nasty, junk),
        annotations: fc.dictionary(nasty, junk),
      },
      { requiredKeys: [] },
    ),
    spec: fc.record(
      {
        clusterIP: orJunk('10.96.0.7'),
        ports: fc.array(
          fc.record({
            name: orJunk('http'),
            port: orJunk(80),
            protocol: orJunk('TCP'),
          }),
          { maxLength: 3 },
        ),
        externalIPs: fc.array(junk, { maxLength: 3 }),
        loadBalancerSourceRanges: fc.array(junk, { maxLength: 3 }),
        externalTrafficPolicy: fc.constantFrom('Local', 'Cluster'),
      },
      { requiredKeys: [] },
    ),
  });
  let accepted = 0;
  fc.assert(
    fc.property(shape, (parts) => {
      const store = new Store();
      store.apply({ kind: 'Service', name: 'x', json: serviceObject(parts) });
      for (const port of store.snapshot().servicePorts.values()) {
        accepted++;
        expect(JSON.stringify(port)).toMatch(/^[-\w"{}[\],.:/]*$/);
        expect(Object.values(port).flat().join(' ')).toMatch(/^[-\w .:/]*$/);
      }
      for (const problem of store.problems())
        expect(`${problem.object}${problem.path}${problem.message}`).not.toContain('\n');
    }),
    { numRuns: 2000 },
  );
  expect(accepted).toBeGreaterThan(100);
});
