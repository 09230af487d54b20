import { describe, expect, test } from 'vitest';
import { compile } from '../../../src/compiler/compile.ts';
import type { CompileSettings, Frontend, ServicePlan } from '../../../src/compiler/plan.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import type { NodeInfo } from '../../../src/model/node.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import { endpoint, inputsOf, NODE, servicePort, snapshotOf } from '../../support/cluster.ts';
import { cidr, ip } from '../../support/plans.ts';
import { always, spellVerdict } from '../../support/verdicts.ts';

const VIP = ip('192.0.2.1');
const HERE = { nodeName: 'node-1' };
const REMOTE = [endpoint('10.244.2.1')];
const BOTH = [endpoint('10.244.1.1', HERE), endpoint('10.244.2.1')];
const LOCAL = 'Local' as const;

function plan(
  port: Partial<ServicePort>,
  endpoints: readonly Endpoint[] = REMOTE,
  parts: { node?: NodeInfo; settings?: Partial<CompileSettings> } = {},
): ServicePlan | undefined {
  const full = servicePort(port);
  return compile(inputsOf([full, endpoints], parts)).plan.services.get(full.key);
}

function verdicts(service: ServicePlan | undefined) {
  return Object.fromEntries((service?.frontends ?? []).map(({ kind, verdict }) => [kind, spellVerdict(verdict)]));
}

function describeFrontend(frontend: Frontend): string {
  return `${frontend.kind} ${frontend.kind === 'node-port' ? '*' : frontend.address}:${frontend.port}`;
}

describe('which pools are filled (E1, E2, E5)', () => {
  test.each<[string, Partial<ServicePort>, string, string]>([
    ['policy Cluster', {}, '1 2', ''],
    ['E1: ITP Local, not reachable from outside', { internalTrafficPolicy: LOCAL }, '', '1'],
    ['E1: ITP Local with a NodePort', { internalTrafficPolicy: LOCAL, nodePort: 30_001 }, '1 2', '1'],
    ['E1: ITP Local with an external IP', { internalTrafficPolicy: LOCAL, externalIps: [VIP] }, '1 2', '1'],
    ['E1: ITP Local with a load balancer IP', { internalTrafficPolicy: LOCAL, loadBalancerIps: [VIP] }, '1 2', '1'],
    ['E2: ETP Local with a NodePort', { externalTrafficPolicy: LOCAL, nodePort: 30_001 }, '1 2', '1'],
    ['E2: ETP Local, nothing external yet (X10)', { externalTrafficPolicy: LOCAL }, '1 2', ''],
    [
      'E1: external addresses of the other family only',
      { internalTrafficPolicy: LOCAL, externalIps: [ip('2001:db8::9')] },
      '',
      '1',
    ],
  ])('%s', (_name, port, cluster, local) => {
    const pools = plan(port, BOTH)?.pools;
    const shorten = (list: readonly { address: string }[] = []) =>
      list.map(({ address }) => address.split('.')[2]).join(' ');
    expect([shorten(pools?.cluster), shorten(pools?.local)]).toEqual([cluster, local]);
  });

  test('E5: with ITP Local, endpoints elsewhere make the difference between drop and reject', () => {
    const local = { internalTrafficPolicy: LOCAL };
    expect(verdicts(plan(local, REMOTE))).toEqual({ 'cluster-ip': always('drop') });
    expect(verdicts(plan(local, []))).toEqual({ 'cluster-ip': always('reject') });
    const terminating = [endpoint('10.244.2.1', { ready: false, terminating: true })];
    expect(verdicts(plan(local, terminating))).toEqual({ 'cluster-ip': always('drop') });
  });
});

describe('policies', () => {
  test('C8, X8: each policy minds its own destinations', () => {
    const notPod = (pool: string) => ({ pod: pool, node: `${pool} masqueraded`, outside: `${pool} masqueraded` });
    const external = { nodePort: 30_001, externalIps: [ip('192.0.2.7')], loadBalancerIps: [VIP] };
    expect(verdicts(plan({ ...external, internalTrafficPolicy: LOCAL }, BOTH))).toEqual({
      'cluster-ip': notPod('local'),
      'external-ip': always('cluster masqueraded'),
      'load-balancer': always('cluster masqueraded'),
      'node-port': always('cluster masqueraded'),
    });
    const shortCut = { pod: 'cluster', node: 'cluster masqueraded', outside: 'local' };
    expect(verdicts(plan({ ...external, externalTrafficPolicy: LOCAL }, BOTH))).toEqual({
      'cluster-ip': notPod('cluster'),
      'external-ip': shortCut,
      'load-balancer': shortCut,
      'node-port': shortCut,
    });
  });

  test('X7: without endpoints every destination rejects', () => {
    const service = plan(
      { nodePort: 30_001, externalIps: [ip('192.0.2.7')], loadBalancerIps: [VIP], externalTrafficPolicy: LOCAL },
      [],
    );
    expect(Object.values(verdicts(service))).toEqual([
      always('reject'),
      always('reject'),
      always('reject'),
      always('reject'),
    ]);
  });

  test('X10: ETP Local with a NodePort but no address yet', () => {
    const service = plan({ externalTrafficPolicy: LOCAL, nodePort: 30_001 }, REMOTE);
    expect(service?.frontends.map(describeFrontend)).toEqual(['cluster-ip 10.96.0.1:80', 'node-port *:30001']);
    expect(verdicts(service)['node-port']).toEqual({ pod: 'cluster', node: 'cluster masqueraded', outside: 'drop' });
  });

  test('C7: ports of one Service are decided one by one', () => {
    const http = servicePort();
    const https = servicePort({ portName: 'https', port: 443 });
    const inputs = {
      ...inputsOf([http, REMOTE]),
      snapshot: snapshotOf([
        [http, REMOTE],
        [https, []],
      ]),
    };
    const { services } = compile(inputs).plan;
    expect(verdicts(services.get(https.key))).toEqual({ 'cluster-ip': always('reject') });
    expect(verdicts(services.get(http.key))['cluster-ip']?.pod).toBe('cluster');
  });
});

describe('frontends', () => {
  test('are sorted: ClusterIP, external, load balancer, NodePort, each by address', () => {
    const service = plan({
      nodePort: 30_001,
      externalIps: [ip('198.51.100.2'), ip('198.51.100.1')],
      loadBalancerIps: [ip('203.0.113.9'), ip('203.0.113.10')],
    });
    expect(service?.frontends.map(describeFrontend)).toEqual([
      'cluster-ip 10.96.0.1:80',
      'external-ip 198.51.100.1:80',
      'external-ip 198.51.100.2:80',
      'load-balancer 203.0.113.10:80',
      'load-balancer 203.0.113.9:80',
      'node-port *:30001',
    ]);
  });

  test('an address that is there twice counts once: ClusterIP, then load balancer, then external (C8, L1)', () => {
    const service = plan({
      externalIps: [VIP, ip('10.96.0.1')],
      loadBalancerIps: [VIP, ip('10.96.0.1')],
      sourceRanges: [cidr('10.0.0.0/8')],
    });
    expect(service?.frontends.map(describeFrontend)).toEqual(['cluster-ip 10.96.0.1:80', 'load-balancer 192.0.2.1:80']);
    expect(service?.frontends.map((frontend) => 'allowedSources' in frontend)).toEqual([false, true]);
  });

  test('families are kept apart (I4)', () => {
    const dual = servicePort({
      clusterIps: [ip('10.96.0.1'), ip('fd00:96::1')],
      externalIps: [VIP, ip('2001:db8:1::1')],
      nodePort: 30_001,
    });
    const inputs = inputsOf([dual, [...REMOTE, endpoint('fd00:244:2::1')]]);
    const [four, six] = (['IPv4', 'IPv6'] as const).map((family) =>
      compile({ ...inputs, family }).plan.services.get(dual.key),
    );
    expect(four?.frontends.map(describeFrontend)).toEqual([
      'cluster-ip 10.96.0.1:80',
      `external-ip ${VIP}:80`,
      'node-port *:30001',
    ]);
    expect(six?.frontends.map(describeFrontend)).toEqual([
      'cluster-ip fd00:96::1:80',
      'external-ip 2001:db8:1::1:80',
      'node-port *:30001',
    ]);
    expect([four, six].map((service) => service?.pools.cluster.map(({ address }) => address))).toEqual([
      ['10.244.2.1'],
      ['fd00:244:2::1'],
    ]);
  });

  test('without a ClusterIP of the family the Service is not there (I4)', () => {
    const inputs = inputsOf([servicePort({ externalIps: [ip('2001:db8:1::1')], nodePort: 30_001 }), REMOTE]);
    expect(compile({ ...inputs, family: 'IPv6' }).plan.services.size).toBe(0);
  });

  test('name, key, affinity and health check go along', () => {
    expect(plan({ affinityTimeoutS: 60, healthCheckNodePort: 32_000 })).toMatchObject({
      key: 'default/web:http/tcp',
      name: 'default/web:http',
      protocol: 'tcp',
      affinityTimeoutS: 60,
      healthCheckNodePort: 32_000,
    });
    const plain = plan({ portName: '' });
    expect(plain?.name).toBe('default/web');
    expect([
      plain === undefined || 'affinityTimeoutS' in plain,
      plain === undefined || 'healthCheckNodePort' in plain,
    ]).toEqual([false, false]);
  });
});

describe('source ranges (L1–L6)', () => {
  const sources = (ranges: readonly string[], parts: Parameters<typeof plan>[2] = {}, endpoints = REMOTE) => {
    const port = {
      loadBalancerIps: [VIP],
      externalIps: [ip('192.0.2.7')],
      nodePort: 30_001,
      sourceRanges: ranges.map(cidr),
    };
    const frontends = plan(port, endpoints, parts)?.frontends ?? [];
    return Object.fromEntries(
      frontends.flatMap((one) => ('allowedSources' in one ? [[one.kind, one.allowedSources]] : [])),
    );
  };

  test.each<[string, readonly string[], readonly string[] | undefined]>([
    ['no ranges', [], undefined],
    ['L1, L2: of the load balancer only', ['10.0.0.0/8'], ['10.0.0.0/8']],
    ['sorted and disjoint', ['172.16.0.0/12', '10.1.0.0/16', '10.0.0.0/8'], ['10.0.0.0/8', '172.16.0.0/12']],
    ['L3: a range of everything', ['10.0.0.0/8', '0.0.0.0/0'], undefined],
    ['L3: everything of the other family', ['10.0.0.0/8', '::/0'], ['10.0.0.0/8']],
    ['L4: only ranges of the other family', ['2001:db8::/32'], undefined],
    ['L5: the node lies in a range', ['192.168.0.0/24'], ['192.0.2.1/32', '192.168.0.0/24']],
    ['L5: the VIP lies in a range as well', ['192.0.0.0/8'], ['192.0.0.0/8']],
    ['L5: only a second address of the node lies in a range', ['192.168.7.0/24'], ['192.168.7.0/24']],
  ])('%s', (_name, ranges, want) => {
    expect(sources(ranges)).toEqual(want === undefined ? {} : { 'load-balancer': want });
  });

  test('L5: a node without an address', () => {
    expect(sources(['192.168.0.0/24'], { node: { ...NODE, addresses: [] } })).toEqual({
      'load-balancer': ['192.168.0.0/24'],
    });
  });

  test('L6: kept while there are no endpoints', () => {
    expect(sources(['10.0.0.0/8'], {}, [])).toEqual({ 'load-balancer': ['10.0.0.0/8'] });
  });

  test('in IPv6', () => {
    const service = plan(
      {
        clusterIps: [ip('fd00:96::1')],
        loadBalancerIps: [ip('2001:db8:1::1')],
        sourceRanges: ['2001:db8::/120', '10.0.0.0/8'].map(cidr),
      },
      [],
    );
    expect(service?.frontends[1]).toMatchObject({ allowedSources: ['2001:db8:1::1/128', '2001:db8::/120'] });
  });
});
