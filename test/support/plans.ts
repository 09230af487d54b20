import * as fc from 'fast-check';
import { PersistentMap } from '../../src/base/persistent-map.ts';
import type { Frontend, NodePlan, Plan, ServicePlan, Target } from '../../src/compiler/plan.ts';
import { clusterIpVerdict, externalVerdict } from '../../src/compiler/verdict.ts';
import type { Cidr, IpAddress, IpFamily } from '../../src/model/address.ts';
import { hostCidr, parseCidr, parseIpAddress, socketAddress } from '../../src/model/address.ts';
import type { Protocol, TrafficPolicy } from '../../src/model/service.ts';
import { PROTOCOLS } from '../../src/model/service.ts';

export function ip(text: string): IpAddress {
  const parsed = parseIpAddress(text);
  if (parsed === undefined) throw new Error(`${text} is not an address`);
  return parsed;
}

export function cidr(text: string): Cidr {
  const network = parseCidr(text);
  if (network === undefined) throw new Error(`${text} is not a network`);
  return network;
}

const FAMILIES = {
  IPv4: {
    service: '10.96.',
    endpoint: '10.244.',
    balancer: '192.0.2.',
    external: '198.51.100.',
    pods: '10.244.0.0/16',
  },
  IPv6: {
    service: 'fd00:96::',
    endpoint: 'fd00:244::',
    balancer: '2001:db8:1::',
    external: '2001:db8:2::',
    pods: 'fd00:244::/64',
  },
} as const;

const SOURCES = {
  IPv4: [cidr('10.0.0.0/8'), cidr('172.16.0.0/12'), cidr('203.0.113.7/32')],
  IPv6: [cidr('2001:db8:77::/48'), cidr('fd00::/16')],
};

/** The `n`th address of a kind; neighbours share the low bits now and then, so that they meet in a bucket. */
export function address(
  family: IpFamily,
  kind: 'service' | 'endpoint' | 'balancer' | 'external',
  n: number,
): IpAddress {
  const prefix = FAMILIES[family][kind];
  if (family === 'IPv6') return ip(`${prefix}${(n >> 2).toString(16)}:${((n & 3) * 0x10 + (n % 3) + 1).toString(16)}`);
  if (kind === 'balancer' || kind === 'external') return ip(`${prefix}${n % 256}`);
  return ip(`${prefix}${(n >> 2) & 0xff}.${(n & 3) * 0x10 + (n % 3) + 1}`);
}

/** A node that knows its pods by their network and serves NodePorts on every address. */
export function nodePlan(family: IpFamily, parts: Partial<NodePlan> = {}): NodePlan {
  return {
    podDetector: { kind: 'cidr', cidr: cidr(FAMILIES[family].pods) },
    nodePortAddresses: { kind: 'all', loopback: family === 'IPv4' },
    clusterIpMasquerade: 'not-pod',
    serviceCidrs: [cidr(family === 'IPv4' ? '10.96.0.0/16' : 'fd00:96::/64')],
    ...parts,
  };
}

/** What one service port is made from; its verdicts are those that the compiler gives. */
export interface ServiceSketch {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIp: IpAddress;
  readonly externalIps: readonly IpAddress[];
  readonly loadBalancerIps: readonly IpAddress[];
  readonly allowedSources?: readonly Cidr[];
  /** As when the node lies in a range: the balancer's own address may be the source. */
  readonly allowsItself: boolean;
  readonly nodePort?: number;
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly targets: readonly Target[];
  readonly affinityTimeoutS?: number;
  readonly healthCheckNodePort?: number;
}

/** `default/web:http`, tcp port 80 of 10.96.0.1 (or fd00:96::1), ClusterIP only, without endpoints. */
export function sketch(family: IpFamily, parts: Partial<ServiceSketch> = {}): ServiceSketch {
  return {
    name: 'default/web:http',
    protocol: 'tcp',
    port: 80,
    clusterIp: family === 'IPv4' ? ip('10.96.0.1') : ip('fd00:96::1'),
    externalIps: [],
    loadBalancerIps: [],
    allowsItself: false,
    internalTrafficPolicy: 'Cluster',
    externalTrafficPolicy: 'Cluster',
    targets: [],
    ...parts,
  };
}

export function target(text: string, port: number, local = false): Target {
  return { address: ip(text), port, local };
}

export function servicePlan(drawn: ServiceSketch, node: NodePlan): ServicePlan {
  const { name, protocol, port, internalTrafficPolicy, externalTrafficPolicy } = drawn;
  const accessible = drawn.externalIps.length + drawn.loadBalancerIps.length > 0 || drawn.nodePort !== undefined;
  const usesCluster = internalTrafficPolicy !== 'Local' || accessible;
  const usesLocal = internalTrafficPolicy === 'Local' || (externalTrafficPolicy === 'Local' && accessible);
  const text = ({ address: host, port: number }: Target): string => socketAddress(host, number);
  const sorted = drawn.targets.toSorted((a, b) => (text(a) < text(b) ? -1 : 1));
  const pools = { cluster: usesCluster ? sorted : [], local: usesLocal ? sorted.filter((one) => one.local) : [] };
  const facts = {
    clusterIpMasquerade: node.clusterIpMasquerade,
    podsKnown: node.podDetector !== undefined,
    any: sorted.length > 0,
    poolSizes: { cluster: pools.cluster.length, local: pools.local.length },
  };
  const external = externalVerdict(externalTrafficPolicy, facts);
  const internal = clusterIpVerdict(internalTrafficPolicy, facts);
  const frontends: Frontend[] = [{ kind: 'cluster-ip', address: drawn.clusterIp, port, verdict: internal }];
  for (const host of drawn.externalIps.toSorted()) {
    frontends.push({ kind: 'external-ip', address: host, port, verdict: external });
  }
  for (const host of drawn.loadBalancerIps.toSorted()) {
    const own = drawn.allowsItself ? [hostCidr(host)] : [];
    const sources =
      drawn.allowedSources === undefined ? {} : { allowedSources: [...drawn.allowedSources, ...own].toSorted() };
    frontends.push({ kind: 'load-balancer', address: host, port, verdict: external, ...sources });
  }
  if (drawn.nodePort !== undefined) frontends.push({ kind: 'node-port', port: drawn.nodePort, verdict: external });
  const { affinityTimeoutS, healthCheckNodePort } = drawn;
  return {
    key: `${name}/${protocol}`,
    name,
    protocol,
    pools,
    frontends,
    ...(affinityTimeoutS === undefined ? {} : { affinityTimeoutS }),
    ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
  };
}

export function planOf(family: IpFamily, services: readonly ServicePlan[], node: NodePlan = nodePlan(family)): Plan {
  return { family, node, services: PersistentMap.of(services.map((service) => [service.key, service])) };
}

const policies = fc.constantFrom<TrafficPolicy>('Cluster', 'Local');

function targetsArbitrary(family: IpFamily): fc.Arbitrary<readonly Target[]> {
  const one = fc.record({ n: fc.nat(60), port: fc.constantFrom(80, 8080), local: fc.boolean() });
  return fc
    .uniqueArray(one, { maxLength: 6, selector: ({ n }) => n })
    .map((list) => list.map(({ n, port, local }) => ({ address: address(family, 'endpoint', n), port, local })));
}

/** The service port number `n`: no two numbers want the same destination; 2k and 2k+1 are two ports of one Service. */
function sketchArbitrary(family: IpFamily, n: number): fc.Arbitrary<ServiceSketch> {
  const shared = n >> 1;
  const some = (kind: 'external' | 'balancer'): fc.Arbitrary<readonly IpAddress[]> =>
    fc.subarray([0, 1]).map((picks) => picks.map((pick) => address(family, kind, 2 * shared + pick)));
  return fc
    .record({
      protocol: fc.constantFrom(...PROTOCOLS),
      externalIps: some('external'),
      loadBalancerIps: some('balancer'),
      allowedSources: fc.option(fc.subarray(SOURCES[family], { minLength: 1 }), { nil: undefined }),
      allowsItself: fc.boolean(),
      nodePort: fc.option(fc.constant(30_000 + 37 * n), { nil: undefined }),
      internalTrafficPolicy: policies,
      externalTrafficPolicy: policies,
      targets: targetsArbitrary(family),
      affinityTimeoutS: fc.option(fc.constantFrom(1, 10_800), { nil: undefined }),
      healthCheckNodePort: fc.option(fc.constant(32_000 + shared), { nil: undefined }),
    })
    .map(({ allowedSources, nodePort, affinityTimeoutS, healthCheckNodePort, ...drawn }) => ({
      name: `team-${shared % 3}/svc-${shared}:p${n & 1}`,
      port: 80 + (n & 1),
      clusterIp: address(family, 'service', shared),
      ...drawn,
      ...(allowedSources === undefined ? {} : { allowedSources }),
      ...(nodePort === undefined ? {} : { nodePort }),
      ...(affinityTimeoutS === undefined ? {} : { affinityTimeoutS }),
      ...(healthCheckNodePort === undefined ? {} : { healthCheckNodePort }),
    }));
}

function podDetectors(family: IpFamily): readonly (NodePlan['podDetector'] | undefined)[] {
  return [
    undefined,
    { kind: 'cidr', cidr: cidr(FAMILIES[family].pods) },
    { kind: 'bridge', interfaceName: 'cni0' },
    { kind: 'interface-prefix', prefix: 'cali' },
  ];
}

const INTERFACES = {
  IPv4: [ip('127.0.0.1'), ip('172.18.0.2')],
  IPv6: [ip('::1'), ip('fd00:172::2'), ip('fe80::1')],
} as const;

/** With the addresses of interfaces, which the backend ipvs has to have. */
function nodePlanArbitrary(family: IpFamily): fc.Arbitrary<NodePlan> {
  const loopback = family === 'IPv4' ? fc.boolean() : fc.constant(false);
  const listed = fc.subarray([address(family, 'balancer', 200), address(family, 'external', 201)], { minLength: 1 });
  return fc
    .record({
      podDetector: fc.constantFrom(...podDetectors(family)),
      nodePortAddresses: fc.oneof(
        fc.record({ kind: fc.constant('all' as const), loopback }),
        fc.record({ kind: fc.constant('listed' as const), addresses: listed, loopback }),
      ),
      masqueradeAll: fc.boolean(),
    })
    .map(({ podDetector, nodePortAddresses, masqueradeAll }) => {
      const others = podDetector === undefined ? 'never' : 'not-pod';
      const { podDetector: _default, ...rest } = nodePlan(family);
      return {
        ...rest,
        interfaceAddresses: INTERFACES[family],
        nodePortAddresses,
        clusterIpMasquerade: masqueradeAll ? 'always' : others,
        ...(podDetector === undefined ? {} : { podDetector }),
      };
    });
}

const SERVICE_COUNT = 12;

/** Service ports by number; `undefined` removes the one that is there. */
function editArbitrary(family: IpFamily): fc.Arbitrary<{ n: number; drawn: ServiceSketch | undefined }> {
  return fc
    .nat(SERVICE_COUNT - 1)
    .chain((n) =>
      fc.record({ n: fc.constant(n), drawn: fc.option(sketchArbitrary(family, n), { nil: undefined, freq: 3 }) }),
    );
}

/**
 * Plans as they follow one another on a node: each shares with the one before it what did not change. Now and then the
 * facts of the node change as well, and with them every verdict.
 */
export function planHistoryArbitrary(family: IpFamily): fc.Arbitrary<readonly Plan[]> {
  const step = fc.record({
    node: fc.option(nodePlanArbitrary(family), { nil: undefined, freq: 6 }),
    edits: fc.array(editArbitrary(family), { maxLength: 5 }),
  });
  return fc
    .record({ first: nodePlanArbitrary(family), steps: fc.array(step, { minLength: 1, maxLength: 6 }) })
    .map(({ first, steps }) => {
      let node = first;
      const drawn = new Map<number, ServiceSketch>();
      let plan: Plan = { family, node, services: PersistentMap.empty() };
      return steps.map((change) => {
        const known = plan.services;
        for (const { n, drawn: one } of change.edits) {
          if (one === undefined) drawn.delete(n);
          else drawn.set(n, one);
        }
        const changed = new Set(change.node === undefined ? change.edits.map(({ n }) => n) : drawn.keys());
        node = change.node ?? node;
        const services = [...drawn].map(([n, one]) => {
          const fresh = servicePlan(one, node);
          return changed.has(n) ? fresh : (known.get(fresh.key) ?? fresh);
        });
        // Through `update`, so that the maps share structure as those of the compiler do.
        const keys = new Set(services.map(({ key }) => key));
        plan = {
          family,
          node,
          services: known.update((draft) => {
            for (const key of known.keys()) if (!keys.has(key)) draft.delete(key);
            for (const service of services) draft.set(service.key, service);
          }),
        };
        return plan;
      });
    });
}
