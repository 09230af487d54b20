import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import type { FrontendSummary } from '../../../../src/backend/contract.ts';
import { nftSpelling } from '../../../../src/backend/nft/render.ts';
import { summarizeNft } from '../../../../src/backend/nft/summary.ts';
import { NO_RULES } from '../../../../src/backend/rules.ts';
import type { Frontend, Plan, ServicePlan, Verdict } from '../../../../src/compiler/plan.ts';
import { socketAddress } from '../../../../src/model/address.ts';
import { planHistories } from '../../../support/plan-histories.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';
import { chain, container, ruleSet } from '../../../support/rule-sets.ts';

const TARGETS = [target('10.244.2.1', 8080), target('10.244.1.1', 8080, true)];

function summarize(...drawn: readonly Partial<ServiceSketch>[]): readonly FrontendSummary[] {
  const services = drawn.map((parts) => servicePlan(sketch('IPv4', parts), nodePlan('IPv4')));
  return summarizeNft(assemble(nftSpelling, planOf('IPv4', services)).rules);
}

const WEB = { service: 'default/web:http', protocol: 'tcp' };
const BOTH = ['10.244.1.1:8080', '10.244.2.1:8080'];

test('of nothing is nothing', () => {
  expect([summarizeNft(NO_RULES), summarize()]).toEqual([[], []]);
});

describe('a destination', () => {
  test.each<[string, Partial<ServiceSketch>, readonly Partial<FrontendSummary>[]]>([
    [
      'a ClusterIP',
      { targets: TARGETS },
      [{ kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: BOTH, notes: [] }],
    ],
    ['without endpoints', {}, [{ kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: [], notes: ['reject'] }]],
    [
      'without an endpoint here',
      { targets: TARGETS.slice(0, 1), internalTrafficPolicy: 'Local' },
      [{ kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: [], notes: ['drop'] }],
    ],
    [
      'a NodePort with policy Local',
      { targets: TARGETS, nodePort: 30_001, externalTrafficPolicy: 'Local' },
      [
        { kind: 'NodePort', destination: '*:30001', endpoints: BOTH, notes: ['local endpoints only from outside'] },
        { kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: BOTH, notes: [] },
      ],
    ],
    [
      'external addresses without an endpoint here',
      {
        targets: TARGETS.slice(0, 1),
        externalIps: [ip('192.0.2.1')],
        loadBalancerIps: [ip('192.0.2.2')],
        externalTrafficPolicy: 'Local',
      },
      [
        { kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: ['10.244.2.1:8080'], notes: [] },
        {
          kind: 'ExternalIP',
          destination: '192.0.2.1:80',
          endpoints: ['10.244.2.1:8080'],
          notes: ['drop from outside'],
        },
        {
          kind: 'LoadBalancer',
          destination: '192.0.2.2:80',
          endpoints: ['10.244.2.1:8080'],
          notes: ['drop from outside'],
        },
      ],
    ],
    [
      'with session affinity',
      { targets: TARGETS, affinityTimeoutS: 60 },
      [{ kind: 'ClusterIP', destination: '10.96.0.1:80', endpoints: BOTH, notes: [] }],
    ],
  ])('%s', (_name, parts, want) => {
    expect(summarize(parts)).toEqual(want.map((one) => ({ ...WEB, ...one })));
  });

  test('rules that somebody else wrote have no Service', () => {
    const rules = ruleSet({
      'set service-ips': container({
        '10.0.0.1 . tcp . 80': [': goto gone'],
        'odd . udp . 53': [': goto affinity-cluster-abc'],
      }),
      'set service-nodeports': container({ 'udp . 30001': [': drop'] }),
      'set service-ips-outside': chain([]),
    });
    expect(summarizeNft(rules)).toEqual([
      { kind: 'NodePort', destination: '*:30001', protocol: 'udp', endpoints: [], notes: ['drop'] },
      { kind: 'Address', destination: '10.0.0.1:80', protocol: 'tcp', endpoints: [], notes: [] },
      { kind: 'Address', destination: 'odd:53', protocol: 'udp', endpoints: [], notes: [] },
    ]);
  });

  test('an affinity chain whose parts are missing leads nowhere', () => {
    const affinity = {
      'chain affinity-cluster-abc': chain(['numgen random mod 2 vmap { 0 : goto endpoint-a, 1 : goto endpoint-b }']),
    };
    const verdicts = { 'set service-ips': container({ '10.0.0.1 . tcp . 80': [': goto affinity-cluster-abc'] }) };
    const endpoints = (more: Parameters<typeof ruleSet>[0]) =>
      summarizeNft(ruleSet({ ...verdicts, ...affinity, ...more }))[0]?.endpoints;
    expect(endpoints({})).toEqual([]);
    expect(
      endpoints({
        'chain endpoint-b': chain(['update', 'meta l4proto tcp dnat to 10.1.0.1:80']),
        'chain endpoint-a': chain([]),
      }),
    ).toEqual(['10.1.0.1:80']);
  });
});

const KINDS = {
  'cluster-ip': 'ClusterIP',
  'external-ip': 'ExternalIP',
  'load-balancer': 'LoadBalancer',
  'node-port': 'NodePort',
} as const;

function notesOf({ node, outside }: Verdict): readonly string[] {
  if (node.kind !== 'forward') return [node.kind];
  if (outside.kind !== 'forward') return ['drop from outside'];
  return outside.pool === node.pool ? [] : ['local endpoints only from outside'];
}

/** The summary as the plan has it. */
function expected({ services }: Plan): readonly FrontendSummary[] {
  const of = (service: ServicePlan, frontend: Frontend): FrontendSummary => {
    const pools = Object.values(frontend.verdict).flatMap((action) =>
      action.kind === 'forward' ? service.pools[action.pool] : [],
    );
    return {
      service: service.name,
      kind: KINDS[frontend.kind],
      destination:
        frontend.kind === 'node-port' ? `*:${frontend.port}` : socketAddress(frontend.address, frontend.port),
      protocol: service.protocol,
      endpoints: [...new Set(pools.map(({ address, port }) => socketAddress(address, port)))].sort(),
      notes: notesOf(frontend.verdict),
    };
  };
  const all = [...services.values()].flatMap((service) => service.frontends.map((frontend) => of(service, frontend)));
  return all.sort((a, b) => (a.destination + a.protocol < b.destination + b.protocol ? -1 : 1));
}

test('what is read from the rules is what the plan says', () => {
  fc.assert(
    fc.property(planHistories, ({ plans }) => {
      for (const plan of plans.slice(-1))
        expect(summarizeNft(assemble(nftSpelling, plan).rules)).toEqual(expected(plan));
    }),
    { numRuns: 150 },
  );
});
