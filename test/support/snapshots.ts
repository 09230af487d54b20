import * as fc from 'fast-check';
import { PersistentMap } from '../../src/base/persistent-map.ts';
import type { CompileSettings } from '../../src/compiler/plan.ts';
import type { SyncInputs } from '../../src/applier/family-state.ts';
import type { Cidr, IpAddress } from '../../src/model/address.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import type { NodeInfo } from '../../src/model/node.ts';
import type { ServicePort } from '../../src/model/service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { endpoint, NODE, servicePort, SETTINGS, sortEndpoints } from './cluster.ts';
import { cidr, ip } from './plans.ts';

/** Few enough that Services get into each other's way. */
const CLUSTER_IPS = ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4'].map(ip);
const CLUSTER_IPS_6 = ['fd00:96::1', 'fd00:96::2', 'fd00:96::3'].map(ip);
const SHARED_IPS = ['192.0.2.1', '192.0.2.2', '10.96.0.1', '2001:db8:1::1', 'fd00:96::1'].map(ip);
/** One inside the other, so that a change may widen or narrow what is allowed. */
const RANGES = ['10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/24', '2001:db8::/32', '2001:db8:1::/48'].map(cidr);
const EVERYBODY = ['0.0.0.0/0', '::/0'].map(cidr);
const ENDPOINT_IPS = [1, 2, 3, 4, 5, 6].flatMap((n) => [`10.244.1.${n}`, `fd00:244:1::${n}`]);

const policies = fc.constantFrom('Cluster' as const, 'Local' as const);

function some<T>(values: readonly T[], maxLength: number): fc.Arbitrary<readonly T[]> {
  return fc.subarray([...values], { maxLength });
}

/** The first value most of the time, so that much stays the same from one state to the next. */
function often<T>(usual: T, other: T): fc.Arbitrary<T> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, fc.constant(other));
}

/** Without the keys whose value is `undefined`, as optional properties want it. */
function compact<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as never;
}

/** Service port number `n` in one of its many possible states. */
function servicePortArbitrary(n: number): fc.Arbitrary<ServicePort> {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  return fc
    .record({
      portName: fc.constant(n % 2 === 0 ? 'http' : ''),
      protocol: often('tcp' as const, 'udp' as const),
      port: often(80, 443),
      clusterIps: fc
        .tuple(maybe(fc.constantFrom(...CLUSTER_IPS)), maybe(fc.constantFrom(...CLUSTER_IPS_6)))
        .map((addresses) => addresses.filter((address): address is IpAddress => address !== undefined)),
      nodePort: maybe(often(30_001, 30_002)),
      externalIps: some(SHARED_IPS, 2),
      loadBalancerIps: some(SHARED_IPS, 2),
      sourceRanges: fc.oneof({ weight: 4, arbitrary: some(RANGES, 3) }, some([...RANGES, ...EVERYBODY], 4)),
      internalTrafficPolicy: policies,
      externalTrafficPolicy: policies,
      affinityTimeoutS: fc.option(fc.constantFrom(60, 10_800), { nil: undefined, freq: 3 }),
      healthCheckNodePort: fc.option(fc.constant(32_000), { nil: undefined, freq: 5 }),
      createdAtMs: fc.nat(3),
    })
    .map((parts) => servicePort({ service: `default/svc-${n}`, ...compact(parts) }));
}

const hints = fc.oneof(fc.constant([]), fc.subarray(['a', 'b']));

const endpointsArbitrary: fc.Arbitrary<readonly Endpoint[]> = fc
  .uniqueArray(
    fc.record({
      address: fc.constantFrom(...ENDPOINT_IPS),
      port: fc.constantFrom(80, 8080),
      nodeName: fc.constantFrom('node-1', 'node-2', undefined),
      ready: fc.boolean(),
      serving: fc.boolean(),
      terminating: fc.boolean(),
      zoneHints: hints,
      nodeHints: fc.oneof(fc.constant([]), fc.subarray(['node-1', 'node-2'])),
    }),
    { maxLength: 6, selector: ({ address, port }) => `${address} ${port}` },
  )
  .map((list) =>
    sortEndpoints(
      list.map(({ address, nodeName, ...parts }) => {
        const { nodeName: _default, ...rest } = endpoint(address, parts);
        return nodeName === undefined ? rest : { ...rest, nodeName };
      }),
    ),
  );

const nodeArbitrary: fc.Arbitrary<NodeInfo> = fc
  .record({
    addresses: some([...NODE.addresses, ip('192.168.0.9')], 3),
    interfaceAddresses: some(NODE.interfaceAddresses, 5),
    zone: fc.constantFrom('a', 'b', undefined),
    podCidrs: some(NODE.podCidrs, 2),
  })
  .map((parts) => ({ name: NODE.name, ...compact(parts) }));

const settingsArbitrary: fc.Arbitrary<CompileSettings> = fc.record({
  masqueradeAll: fc.boolean(),
  detectLocal: fc.oneof<fc.Arbitrary<CompileSettings['detectLocal']>[]>(
    fc.constant({ mode: 'NodeCIDR' }),
    fc.record({ mode: fc.constant('ClusterCIDR' as const), clusterCidrs: some(NODE.podCidrs, 2) }),
    fc.constant({ mode: 'BridgeInterface', interfaceName: 'cni0' }),
    fc.constant({ mode: 'InterfaceNamePrefix', prefix: 'veth' }),
  ),
  nodePortAddresses: fc.oneof(
    fc.constant('primary' as const),
    some(['192.168.0.0/16', '127.0.0.0/8', '::/0', '2001:db8::/32'].map(cidr), 3),
  ),
  externalIps: fc.boolean(),
  localhostNodePorts: fc.boolean(),
});

const SERVICE_COUNT = 7;

/** Something that happens to the cluster; `undefined` takes a service port away. */
export type WorldEvent =
  | { readonly kind: 'service'; readonly n: number; readonly port: ServicePort | undefined }
  | { readonly kind: 'endpoints'; readonly n: number; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: 'node'; readonly node: NodeInfo }
  | { readonly kind: 'settings'; readonly settings: CompileSettings }
  | { readonly kind: 'cidrs'; readonly cidrs: readonly Cidr[] };

const numbers = fc.nat(SERVICE_COUNT - 1);

const worldEvents: fc.Arbitrary<WorldEvent> = fc.oneof(
  {
    weight: 8,
    arbitrary: numbers.chain((n) =>
      fc.record({
        kind: fc.constant('service' as const),
        n: fc.constant(n),
        port: fc.option(servicePortArbitrary(n), { nil: undefined, freq: 4 }),
      }),
    ),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('endpoints' as const), n: numbers, endpoints: endpointsArbitrary }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('node' as const), node: nodeArbitrary }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settings' as const), settings: settingsArbitrary }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cidrs' as const),
      cidrs: some([cidr('10.96.0.0/16'), cidr('10.96.0.0/12'), cidr('fd00:96::/112')], 3),
    }),
  },
);

/** Events in batches, as many as fall into one sync. */
export const histories: fc.Arbitrary<readonly (readonly WorldEvent[])[]> = fc.array(
  fc.array(worldEvents, { minLength: 1, maxLength: 5 }),
  { minLength: 1, maxLength: 8 },
);

/** Keeps a cluster up to date and hands out what a sync is given, sharing structure with the time before. */
export class World {
  readonly #ports = new Map<number, ServicePort>();
  readonly #endpoints = new Map<number, readonly Endpoint[]>();
  #snapshot: Snapshot = {
    revision: 0,
    servicePorts: PersistentMap.empty(),
    endpoints: PersistentMap.empty(),
    serviceCidrs: [],
  };
  #node: NodeInfo = NODE;
  #settings: CompileSettings = SETTINGS;
  #cidrs: readonly Cidr[] = [];

  happen(events: Iterable<WorldEvent>): SyncInputs {
    for (const event of events) this.#apply(event);
    return this.now();
  }

  now(): SyncInputs {
    const before = this.#snapshot;
    const ports = new Map(
      [...this.#ports].map(([n, port]) => [port.key, { port, endpoints: this.#endpoints.get(n) ?? [] }]),
    );
    const fill = <V>(
      map: PersistentMap<V>,
      pick: (member: { port: ServicePort; endpoints: readonly Endpoint[] }) => V,
    ) =>
      map.update((draft) => {
        for (const key of map.keys()) if (!ports.has(key)) draft.delete(key);
        for (const [key, member] of ports) draft.set(key, pick(member));
      });
    this.#snapshot = {
      revision: before.revision + 1,
      servicePorts: fill(before.servicePorts, ({ port }) => port),
      endpoints: fill(before.endpoints, ({ endpoints }) => endpoints),
      serviceCidrs: this.#cidrs,
    };
    return { snapshot: this.#snapshot, node: this.#node, settings: this.#settings };
  }

  #apply(event: WorldEvent): void {
    switch (event.kind) {
      case 'service':
        if (event.port === undefined) this.#ports.delete(event.n);
        else this.#ports.set(event.n, event.port);
        return;
      case 'endpoints':
        this.#endpoints.set(event.n, event.endpoints);
        return;
      case 'node':
        this.#node = event.node;
        return;
      case 'settings':
        this.#settings = event.settings;
        return;
      case 'cidrs':
        this.#cidrs = event.cidrs;
    }
  }
}

/** The last event of each thing, which alone decides what the world is in the end. */
export function lastEvents(history: readonly (readonly WorldEvent[])[]): readonly WorldEvent[] {
  const last = new Map(history.flat().map((event) => [`${event.kind} ${'n' in event ? event.n : ''}`, event]));
  return [...last.values()];
}
