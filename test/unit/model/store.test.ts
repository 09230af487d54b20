import { describe, expect, it } from 'vitest';
import type { ObjectEvent } from '../../../src/model/store.ts';
import { parseIpAddress } from '../../../src/model/address.ts';
import { Store } from '../../../src/model/store.ts';
import { serviceObject, sliceObject } from '../../support/objects.ts';

const KEY = 'default/web:http/tcp';

function service(parts: Parameters<typeof serviceObject>[0] = {}, name = 'default/web'): ObjectEvent {
  return {
    kind: 'Service',
    name,
    json: serviceObject({ ...parts, metadata: { ...named(name), ...(parts.metadata as object) } }),
  };
}

function named(name: string) {
  return { namespace: name.split('/')[0], name: name.split('/')[1] };
}

function slice(addresses: readonly string[], { name = 'web-1', owner = 'web' } = {}): ObjectEvent {
  const metadata = { name, labels: { 'kubernetes.io/service-name': owner } };
  const json = sliceObject({ metadata, endpoints: addresses.map((address) => ({ addresses: [address] })) });
  return { kind: 'EndpointSlice', name: `default/${name}`, json };
}

function gone({ kind, name }: ObjectEvent): ObjectEvent {
  return { kind, name, json: undefined };
}

function storeWith(...events: readonly ObjectEvent[]): Store {
  const store = new Store();
  for (const event of events) store.apply(event);
  return store;
}

function addressesIn(store: Store, key = KEY): readonly string[] | undefined {
  return store
    .snapshot()
    .endpoints.get(key)
    ?.map(({ address }) => address);
}

describe('what a sequence of events leads to', () => {
  const cases: readonly [string, readonly ObjectEvent[], readonly string[] | undefined][] = [
    ['Service without slices', [service()], []],
    ['slice before its Service', [slice(['10.0.0.1']), service()], ['10.0.0.1']],
    ['slice without a Service', [slice(['10.0.0.1'])], undefined],
    ['two slices', [service(), slice(['10.0.0.2']), slice(['10.0.0.1'], { name: 'web-2' })], ['10.0.0.1', '10.0.0.2']],
    [
      'one of two slices deleted',
      [service(), slice(['10.0.0.2']), slice(['10.0.0.1'], { name: 'web-2' }), gone(slice([]))],
      ['10.0.0.1'],
    ],
    ['a slice moves to another Service', [service(), slice(['10.0.0.1']), slice(['10.0.0.1'], { owner: 'other' })], []],
    ['a slice moves here', [service(), slice(['10.0.0.1'], { owner: 'other' }), slice(['10.0.0.1'])], ['10.0.0.1']],
    ['Service deleted and back', [slice(['10.0.0.1']), service(), gone(service()), service()], ['10.0.0.1']],
    ['Service deleted', [service(), slice(['10.0.0.1']), gone(service())], undefined],
    [
      'Service handed to another proxy',
      [service(), service({ metadata: { labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } })],
      undefined,
    ],
    ['Service broken', [service(), service({ spec: { clusterIP: 'x' } })], undefined],
    [
      'port renamed',
      [service(), slice(['10.0.0.1']), service({ spec: { ports: [{ name: 'www', port: 80 }] } })],
      undefined,
    ],
    [
      'slice turns bad',
      [
        service(),
        slice(['10.0.0.1']),
        { ...slice([]), json: sliceObject({ metadata: { name: 'web-1', labels: {} } }) },
      ],
      [],
    ],
    ['deleting what never was', [service(), gone(slice([])), gone(service({}, 'default/none'))], []],
  ];
  it.each(cases)('%s', (_name, events, expected) => {
    const step = new Store();
    for (const event of events) {
      step.apply(event);
      step.snapshot();
    }
    const once = storeWith(...events);
    expect(addressesIn(step)).toEqual(expected);
    expect(addressesIn(once)).toEqual(expected);
    expect(once.snapshot().servicePorts.has(KEY)).toBe(expected !== undefined);
  });
});

describe('structure is shared', () => {
  const other = 'default/other:http/tcp';

  it('gives the same snapshot for updates that say nothing new', () => {
    const store = storeWith(service(), slice(['10.0.0.1']));
    const before = store.snapshot();
    for (const event of [
      service({ metadata: { annotations: { a: 'b' }, resourceVersion: '7' } }),
      slice(['10.0.0.1']),
      slice([], { owner: 'none', name: 'x' }),
    ]) {
      store.apply(event);
      expect(store.snapshot()).toBe(before);
    }
  });

  it('keeps everything but what an event touches', () => {
    const store = storeWith(service(), service({}, 'default/other'), slice(['10.0.0.1']));
    const before = store.snapshot();
    store.apply(slice(['10.0.0.2']));
    const after = store.snapshot();
    expect(after.revision).toBe(before.revision + 1);
    expect(after.servicePorts).toBe(before.servicePorts);
    expect(after.endpoints.get(other)).toBe(before.endpoints.get(other));
    expect(after.endpoints.get(KEY)).not.toBe(before.endpoints.get(KEY));
    expect(before.endpoints.get(KEY)?.map(({ address }) => address)).toEqual(['10.0.0.1']);
  });

  it('keeps the other ports of a Service', () => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'www', port: 81 },
    ];
    const store = storeWith(service({ spec: { ports } }), slice(['10.0.0.1']));
    const before = store.snapshot();
    store.apply(service({ spec: { ports: [ports[0], { name: 'www', port: 82 }] } }));
    const after = store.snapshot();
    expect(after.servicePorts.get(KEY)).toBe(before.servicePorts.get(KEY));
    expect(after.servicePorts.get('default/web:www/tcp')?.port).toBe(82);
    expect(after.endpoints).toBe(before.endpoints);
  });

  it('keeps the facts of a node', () => {
    const node = (annotation: string): ObjectEvent => ({
      kind: 'Node',
      name: 'n',
      json: { metadata: { name: 'n', annotations: { annotation } } },
    });
    const store = storeWith(node('1'));
    const before = store.nodes().get('n');
    store.apply(node('2'));
    expect(store.nodes().get('n')).toBe(before);
    store.apply(gone(node('2')));
    expect([...store.nodes()]).toEqual([]);
  });
});

it('collects the networks of all ServiceCIDRs, sorted', () => {
  const cidr = (name: string, ...cidrs: readonly string[]): ObjectEvent => ({
    kind: 'ServiceCIDR',
    name,
    json: { metadata: { name }, spec: { cidrs } },
  });
  const store = storeWith(cidr('b', 'fd00::/108', '10.96.0.0/12'), cidr('a', '10.96.0.0/12'));
  const before = store.snapshot();
  expect(before.serviceCidrs).toEqual(['10.96.0.0/12', 'fd00::/108']);
  store.apply(gone(cidr('a')));
  expect(store.snapshot()).toBe(before);
  store.apply(gone(cidr('b')));
  expect(store.snapshot().serviceCidrs).toEqual([]);
});

it('remembers problems until the object is fixed or gone', () => {
  const store = storeWith(
    { ...service({ spec: { clusterIP: 'x' } }), origin: 'a.yaml:1' },
    service({ spec: { externalIPs: ['y'] } }, 'default/other'),
  );
  expect(store.problems().map(({ object, effect }) => [object, effect])).toEqual([
    ['default/other', 'ignored'],
    ['default/web', 'skipped'],
  ]);
  expect(store.problems()[1]?.origin).toBe('a.yaml:1');
  store.apply(service());
  store.apply(gone(service({}, 'default/other')));
  expect(store.problems()).toEqual([]);
});

it('knows slices whose Service does not exist; headless and broken Services exist', () => {
  const store = storeWith(
    slice([], { name: 'lost', owner: 'none' }),
    slice([], { name: 'of-headless', owner: 'headless' }),
    slice([], { name: 'of-broken', owner: 'broken' }),
    service({ spec: { clusterIP: 'None' } }, 'default/headless'),
    service({ spec: { clusterIP: 'x' } }, 'default/broken'),
  );
  expect(store.orphanSlices()).toEqual(['default/lost']);
});

it('lends addresses to the ports of one number of one Service', () => {
  const lent = {
    service: 'default/web',
    port: 80,
    addresses: [parseIpAddress('169.254.20.10')].flatMap((a) => a ?? []),
  };
  const store = new Store(lent);
  store.apply(service());
  store.apply(service({}, 'default/other'));
  const addressesOf = (key: string) => store.snapshot().servicePorts.get(key)?.loadBalancerIps;
  expect(addressesOf(KEY)).toEqual(['169.254.20.10']);
  expect(addressesOf('default/other:http/tcp')).toEqual([]);
});
