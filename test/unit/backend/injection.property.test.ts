import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/backend/assembly.ts';
import { BACKENDS } from '../../../src/backend/registry.ts';
import { diffRuleSets, NO_RULES } from '../../../src/backend/rules.ts';
import { compile } from '../../../src/compiler/compile.ts';
import { IP_FAMILIES } from '../../../src/model/address.ts';
import { Store } from '../../../src/model/store.ts';
import { NODE, SETTINGS } from '../../support/cluster.ts';
import { FakeNft } from '../../support/fake-nft.ts';
import { serviceObject, sliceObject } from '../../support/objects.ts';

/** A Service that uses every field that can get into a rule. */
const SERVICE = serviceObject({
  metadata: { uid: 'u', labels: { a: 'b' }, annotations: { c: 'd' }, creationTimestamp: '2024-01-01T00:00:00Z' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7', 'fd00:96::7'],
    ports: [
      { name: 'http', port: 80, nodePort: 30_001, protocol: 'TCP', targetPort: 'web', appProtocol: 'x' },
      { name: 'dns', port: 53, nodePort: 30_002, protocol: 'UDP' },
    ],
    externalIPs: ['192.0.2.1', '2001:db8::1'],
    externalTrafficPolicy: 'Local',
    internalTrafficPolicy: 'Cluster',
    loadBalancerSourceRanges: ['10.0.0.0/8', '2001:db8::/32'],
    sessionAffinity: 'None',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    healthCheckNodePort: 32_000,
  },
  status: {
    loadBalancer: {
      ingress: [
        { ip: '192.0.2.2', ipMode: 'VIP' },
        { ip: '2001:db8::2', hostname: 'h' },
      ],
    },
  },
});

const SLICE = sliceObject({
  ports: [
    { name: 'http', port: 8080, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
  endpoints: [
    {
      addresses: ['10.244.1.1'],
      nodeName: 'node-1',
      conditions: { ready: true },
      hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'node-1' }] },
      zone: 'a',
      hostname: 'pod-1',
    },
    { addresses: ['10.244.2.1'], nodeName: 'node-2', conditions: { ready: true } },
  ],
});

type Path = readonly (string | number)[];

function leaves(value: unknown, at: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  return Object.entries(value).flatMap(([key, part]) =>
    leaves(part, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

/** The object with something else in one place. */
function replaced(value: unknown, [key, ...rest]: Path, change: (leaf: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  copy[key] = replaced(copy[key], rest, change);
  return copy;
}

const SETTINGS_OF_BACKENDS = { masqueradeBit: 14, conntrackBeLiberal: false };

const MARK = 'EVIL';

/** Text that ends a comment, an element, a rule, a chain or a line, and goes on with a command. */
const evil = fc
  .tuple(
    fc.constantFrom('', '"', '\n', ';', '}', '" }\n', "'", '\\', '`', '$(', '\0', '\u2028', ' ', '#', ',', '\n}\n'),
    fc.constantFrom(`add chain ip sluice ${MARK}`, `flush ruleset # ${MARK}`, `-A INPUT -j ${MARK}`, MARK),
    fc.constantFrom('', '"', '\n', ';', '{', ')', '#', ' '),
  )
  .map((parts) => parts.join(''));

/** Before, after or instead of what was there. */
const change = fc.tuple(evil, fc.constantFrom('before', 'after', 'instead')).map(([text, where]) => (leaf: unknown) => {
  if (where === 'instead' || typeof leaf !== 'string') return text;
  return where === 'before' ? text + leaf : leaf + text;
});

function edited(base: unknown): fc.Arbitrary<unknown> {
  const edits = fc.array(fc.tuple(fc.constantFrom(...leaves(base)), change), { maxLength: 2 });
  return edits.map((list) => list.reduce((object, [path, how]) => replaced(object, path, how), base));
}

const PLAIN_LINE = /^[-\w .,:;/"{}()#@!=*~>[\]\n]*$/;

describe.each(BACKENDS)('the text of $name', (backend) => {
  test('holds nothing of what hostile objects say', () => {
    let served = 0;
    const objects = fc.record({ service: edited(SERVICE), slice: edited(SLICE), affinity: fc.boolean() });
    fc.assert(
      fc.property(objects, ({ service, slice, affinity }) => {
        const store = new Store();
        const json = affinity ? replaced(service, ['spec', 'sessionAffinity'], () => 'ClientIP') : service;
        store.apply({ kind: 'Service', name: 'default/web', json });
        store.apply({ kind: 'EndpointSlice', name: 'default/web-abc', json: slice });
        for (const family of IP_FAMILIES) {
          const { plan } = compile({ snapshot: store.snapshot(), node: NODE, settings: SETTINGS, family });
          served += plan.services.size;
          const all = diffRuleSets(NO_RULES, assemble(backend.spelling(SETTINGS_OF_BACKENDS), plan).rules);
          const text = backend.text(plan, all, SETTINGS_OF_BACKENDS);
          expect(text).not.toContain(MARK);
          expect(text).toMatch(PLAIN_LINE);
          if (backend.name === 'nft') expect(new FakeNft().run(text)).toBe('');
        }
      }),
      { numRuns: 300 },
    );
    expect(served).toBeGreaterThan(100);
  });
});
