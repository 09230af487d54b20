import { describe, expect, test } from 'vitest';
import { equalData } from '../../../src/base/equal.ts';
import { diffMaps } from '../../../src/base/persistent-map.ts';
import type { CompileInputs } from '../../../src/compiler/compile.ts';
import { compile, warningsOf } from '../../../src/compiler/compile.ts';
import { endpoint, NODE, servicePort, SETTINGS, snapshotOf } from '../../support/cluster.ts';
import { cidr, ip } from '../../support/plans.ts';

const ports = Array.from({ length: 20 }, (_, i) =>
  servicePort({ service: `default/svc-${i}`, clusterIps: [ip(`10.96.0.${i + 1}`)] }),
);
const inputs: CompileInputs = {
  snapshot: snapshotOf(ports.map((port, i) => [port, [endpoint(`10.244.2.${i + 1}`)]])),
  node: NODE,
  settings: SETTINGS,
  family: 'IPv4',
};
const first = compile(inputs);

/** Keys of plans that are not the same objects. */
function changed(after: CompileInputs): readonly string[] {
  const keys: string[] = [];
  diffMaps(first.plan.services, compile(after, first).plan.services, (key) => keys.push(key));
  return keys;
}

describe('a second compilation', () => {
  test('of the same inputs gives the same plan object', () => {
    expect(compile(inputs, first).plan).toBe(first.plan);
  });

  test('of an equal node, settings and snapshot gives the same plan object', () => {
    const again = { ...inputs, node: structuredClone(NODE), settings: structuredClone(SETTINGS) };
    expect(compile(again, first).plan).toBe(first.plan);
    const rebuilt = snapshotOf(ports.map((port, i) => [{ ...port }, [endpoint(`10.244.2.${i + 1}`)]]));
    expect(compile({ ...inputs, snapshot: rebuilt }, first).plan).toBe(first.plan);
  });

  test('replaces the plan of the one Service whose endpoints changed', () => {
    const endpoints = inputs.snapshot.endpoints.set('default/svc-3:http/tcp', []);
    expect(changed({ ...inputs, snapshot: { ...inputs.snapshot, endpoints } })).toEqual(['default/svc-3:http/tcp']);
  });

  test('keeps the plan when endpoints change in a way that does not matter', () => {
    const endpoints = inputs.snapshot.endpoints.set('default/svc-3:http/tcp', [
      endpoint('10.244.2.4', { zoneHints: ['z'] }),
      endpoint('10.244.2.99', { ready: false }),
    ]);
    expect(compile({ ...inputs, snapshot: { ...inputs.snapshot, endpoints } }, first).plan).toBe(first.plan);
  });

  test('follows the zone of the node', () => {
    const hinted = endpoint('10.244.2.4', { zoneHints: ['b'] });
    const local = endpoint('10.244.2.5', { zoneHints: ['a'] });
    const endpoints = inputs.snapshot.endpoints.set('default/svc-3:http/tcp', [hinted, local]);
    const snapshot = { ...inputs.snapshot, endpoints };
    const before = compile({ ...inputs, snapshot });
    const after = compile({ ...inputs, snapshot, node: { ...NODE, zone: 'b' } }, before);
    const pool = ({ plan }: typeof before) =>
      plan.services.get('default/svc-3:http/tcp')?.pools.cluster.map(({ address }) => address);
    expect([pool(before), pool(after)]).toEqual([['10.244.2.5'], ['10.244.2.4']]);
    expect(after.plan.node).toBe(before.plan.node);
  });

  test('makes everything anew when pods can no longer be told from others', () => {
    const settings = { ...SETTINGS, detectLocal: { mode: 'ClusterCIDR' as const, clusterCidrs: [] } };
    expect(changed({ ...inputs, settings })).toHaveLength(20);
  });

  test('changes the node alone when only ServiceCIDRs change', () => {
    const snapshot = { ...inputs.snapshot, serviceCidrs: [cidr('10.96.0.0/16')] };
    const after = compile({ ...inputs, snapshot }, first);
    expect(after.plan.node.serviceCidrs).toEqual(['10.96.0.0/16']);
    expect(after.plan.services).toBe(first.plan.services);
  });

  test('of another family starts from nothing', () => {
    const six = { ...inputs, family: 'IPv6' as const };
    expect(equalData(compile(six, first).plan.node, compile(six).plan.node)).toBe(true);
    expect(compile(six, first).plan.services.size).toBe(0);
  });
});

test('a service port without an entry in the endpoints rejects', () => {
  const snapshot = { ...inputs.snapshot, endpoints: inputs.snapshot.endpoints.delete('default/svc-0:http/tcp') };
  const plan = compile({ ...inputs, snapshot }).plan.services.get('default/svc-0:http/tcp');
  expect(plan?.frontends[0]?.verdict.pod).toEqual({ kind: 'reject' });
});

test('warningsOf says what is missing for the family', () => {
  const node = { ...NODE, podCidrs: [] };
  expect(warningsOf({ ...inputs, node })).toEqual([expect.stringMatching(/^IPv4: no pod network is known/)]);
  expect(warningsOf(inputs)).toEqual([]);
});
