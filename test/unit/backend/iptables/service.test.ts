import { describe, expect, test } from 'vitest';
import { serviceRules } from '../../../../src/backend/iptables/service.ts';
import type { NodePlan, ServicePlan } from '../../../../src/compiler/plan.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

/** Every rule of a Service as `table CHAIN rule`, without the ways to the buckets; hashes shortened. */
function rulesOf(service: ServicePlan, family: IpFamily, node: NodePlan): string[] {
  const pieces = serviceRules(service, planOf(family, [service], node));
  const leaves = pieces.filter(({ key }) => !key.startsWith('ip ') && !key.startsWith('port '));
  const lines = leaves.flatMap(({ object, lines: rules }) => rules.map((rule) => `${object} ${rule}`));
  return [...new Set(lines)].map((line) => line.replaceAll(/(KUBE-\w+-)[A-Z2-7]{16}/g, '$1HASH'));
}

function spell(parts: Partial<ServiceSketch>, node: Partial<NodePlan> = {}, family: IpFamily = 'IPv4'): string[] {
  const facts = nodePlan(family, node);
  return rulesOf(servicePlan(sketch(family, parts), facts), family, facts);
}

const REMOTE = target('10.244.2.10', 8080);
const LOCAL = target('10.244.1.10', 8080, true);
const NAME = 'default/web:http';
const CLUSTER_IP = `nat KUBE-SVC-IP-01 -d 10.96.0.1/32 -p tcp -m comment --comment "${NAME} cluster IP" -m tcp --dport 80 -j`;
const TO_LOCAL = '-j DNAT --to-destination 10.244.1.10:8080';
const TO_REMOTE = '-j DNAT --to-destination 10.244.2.10:8080';
const HALF = '-m statistic --mode random --probability 0.50000000000';
const HAIRPIN = 'nat KUBE-SEP-IP-0A -s 10.244.1.10/32 -d 10.244.1.10/32 -j KUBE-MARK-MASQ';

describe('ClusterIP', () => {
  test('endpoints are picked in the chain of the Service; all but pods are masqueraded', () => {
    expect(spell({ targets: [REMOTE, LOCAL] })).toEqual([
      `nat KUBE-SVC-HASH ! -s 10.244.0.0/16 -d 10.96.0.1/32 -p tcp -m comment --comment "${NAME} cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ`,
      `nat KUBE-SVC-HASH -p tcp ${HALF} ${TO_LOCAL}`,
      `nat KUBE-SVC-HASH -p tcp ${TO_REMOTE}`,
      HAIRPIN,
      `${CLUSTER_IP} KUBE-SVC-HASH`,
    ]);
  });

  test.each<[string, Partial<NodePlan>, string | undefined]>([
    ['everybody', { clusterIpMasquerade: 'always' }, '-d 10.96.0.1/32 -p tcp'],
    ['nobody', { clusterIpMasquerade: 'never' }, undefined],
    [
      'all that did not come through the bridge',
      { podDetector: { kind: 'bridge', interfaceName: 'cni0' } },
      '-d 10.96.0.1/32 ! -i cni0 -p tcp',
    ],
    [
      'all that did not come through an interface of that name',
      { podDetector: { kind: 'interface-prefix', prefix: 'cali' } },
      '-d 10.96.0.1/32 ! -i cali+ -p tcp',
    ],
    ['nobody, where all are pods', { podDetector: { kind: 'cidr', cidr: cidr('0.0.0.0/0') } }, undefined],
  ])('masquerades %s', (_title, node, head) => {
    const marks = spell({ targets: [REMOTE] }, node).filter((line) => line.endsWith('KUBE-MARK-MASQ'));
    const rest = `-m comment --comment "${NAME} cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ`;
    expect(marks).toEqual(head === undefined ? [] : [`nat KUBE-SVC-HASH ${head} ${rest}`]);
  });

  test('internal policy Local has a chain of its own', () => {
    const lines = spell({ targets: [LOCAL, REMOTE], internalTrafficPolicy: 'Local' }, { clusterIpMasquerade: 'never' });
    expect(lines).toEqual([`nat KUBE-SVL-HASH -p tcp ${TO_LOCAL}`, HAIRPIN, `${CLUSTER_IP} KUBE-SVL-HASH`]);
  });

  test.each<[string, Partial<ServiceSketch>, string]>([
    ['no endpoints', {}, 'has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable'],
    [
      'no local endpoints',
      { targets: [REMOTE], internalTrafficPolicy: 'Local' },
      'has no local endpoints" -m tcp --dport 80 -j DROP',
    ],
  ])('%s', (_title, parts, end) => {
    expect(spell(parts)).toEqual([`filter KUBE-SVC-IP-01 -d 10.96.0.1/32 -p tcp -m comment --comment "${NAME} ${end}`]);
  });

  test('IPv6', () => {
    const lines = spell({ targets: [target('fd00:244::a', 8080, true)], protocol: 'udp' }, {}, 'IPv6');
    expect(lines).toEqual([
      `nat KUBE-SVC-HASH ! -s fd00:244::/64 -d fd00:96::1/128 -p udp -m comment --comment "${NAME} cluster IP" -m udp --dport 80 -j KUBE-MARK-MASQ`,
      'nat KUBE-SVC-HASH -p udp -j DNAT --to-destination [fd00:244::a]:8080',
      'nat KUBE-SEP-IP-0A -s fd00:244::a/128 -d fd00:244::a/128 -j KUBE-MARK-MASQ',
      `nat KUBE-SVC-IP-01 -d fd00:96::1/128 -p udp -m comment --comment "${NAME} cluster IP" -m udp --dport 80 -j KUBE-SVC-HASH`,
    ]);
    expect(spell({}, {}, 'IPv6').join()).toContain('-j REJECT --reject-with icmp6-port-unreachable');
  });
});

describe('external destinations', () => {
  const external = { nodePort: 30_080, externalIps: [ip('198.51.100.7')], loadBalancerIps: [ip('192.0.2.7')] };
  const entries = [
    `nat KUBE-SVC-IP-07 -d 198.51.100.7/32 -p tcp -m comment --comment "${NAME} external IP" -m tcp --dport 80 -j KUBE-EXT-HASH`,
    `nat KUBE-SVC-IP-07 -d 192.0.2.7/32 -p tcp -m comment --comment "${NAME} loadbalancer IP" -m tcp --dport 80 -j KUBE-EXT-HASH`,
    `nat KUBE-EXT-NP-30080-30111 -p tcp -m comment --comment "${NAME}" -m tcp --dport 30080 -j KUBE-EXT-HASH`,
  ];
  const entryChain = (lines: string[]): string[] => lines.filter((line) => line.startsWith('nat KUBE-EXT-HASH'));

  test('policy Cluster masquerades everything', () => {
    const lines = spell({ targets: [REMOTE], ...external });
    expect(lines).toEqual(expect.arrayContaining(entries));
    expect(entryChain(lines)).toEqual([
      `nat KUBE-EXT-HASH -m comment --comment "masquerade traffic for ${NAME} external destinations" -j KUBE-MARK-MASQ`,
      'nat KUBE-EXT-HASH -j KUBE-SVC-HASH',
    ]);
  });

  test('policy Local asks who is talking', () => {
    const lines = spell({ targets: [REMOTE, LOCAL], externalTrafficPolicy: 'Local', ...external });
    expect(entryChain(lines)).toEqual([
      `nat KUBE-EXT-HASH -s 10.244.0.0/16 -m comment --comment "pod traffic for ${NAME} external destinations" -j KUBE-SVC-HASH`,
      `nat KUBE-EXT-HASH -m comment --comment "masquerade LOCAL traffic for ${NAME} external destinations" -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
      `nat KUBE-EXT-HASH -m comment --comment "route LOCAL traffic for ${NAME} external destinations" -m addrtype --src-type LOCAL -j KUBE-SVC-HASH`,
      'nat KUBE-EXT-HASH -j KUBE-SVL-HASH',
    ]);
    expect(lines.filter((line) => line.startsWith('filter'))).toEqual([]);
  });

  test('policy Local without a pod detector', () => {
    const facts = nodePlan('IPv4', { clusterIpMasquerade: 'never' });
    const { podDetector: _unknown, ...node } = facts;
    const plan = servicePlan(sketch('IPv4', { targets: [LOCAL], externalTrafficPolicy: 'Local', ...external }), node);
    const lines = entryChain(rulesOf(plan, 'IPv4', node));
    expect(lines.map((line) => line.split(' -j ')[1])).toEqual(['KUBE-MARK-MASQ', 'KUBE-SVC-HASH', 'KUBE-SVL-HASH']);
  });

  test('policy Local without local endpoints drops what comes from outside', () => {
    const lines = spell({ targets: [REMOTE], externalTrafficPolicy: 'Local', ...external });
    expect(lines).toEqual(expect.arrayContaining(entries));
    expect(entryChain(lines).at(-1)).toContain('--src-type LOCAL -j KUBE-SVC-HASH');
    expect(lines.filter((line) => line.startsWith('filter'))).toEqual([
      `filter KUBE-EXT-IP-07 -d 198.51.100.7/32 -p tcp -m comment --comment "${NAME} has no local endpoints (external IP)" -m tcp --dport 80 -j DROP`,
      `filter KUBE-EXT-IP-07 -d 192.0.2.7/32 -p tcp -m comment --comment "${NAME} has no local endpoints (loadbalancer IP)" -m tcp --dport 80 -j DROP`,
      `filter KUBE-EXT-NP-30080-30111 -p tcp -m comment --comment "${NAME} has no local endpoints" -m tcp --dport 30080 -j DROP`,
    ]);
  });

  test('without endpoints everything is rejected and nothing translated', () => {
    const lines = spell(external);
    expect(lines.filter((line) => line.startsWith('nat'))).toEqual([]);
    expect(lines.map((line) => line.slice(line.indexOf(' -j ')))).toEqual(
      Array.from({ length: 4 }, () => ' -j REJECT --reject-with icmp-port-unreachable'),
    );
  });

  test('destinations with different verdicts get different chains', () => {
    const facts = nodePlan('IPv4');
    const base = servicePlan(sketch('IPv4', { targets: [REMOTE, LOCAL], ...external }), facts);
    const other = servicePlan(
      sketch('IPv4', { targets: [REMOTE, LOCAL], externalTrafficPolicy: 'Local', ...external }),
      facts,
    );
    const mixed: ServicePlan = {
      ...other,
      frontends: base.frontends.map((frontend, i) => (i === 1 ? (other.frontends[1] ?? frontend) : frontend)),
    };
    const chains = serviceRules(mixed, planOf('IPv4', [mixed], facts)).filter(({ object }) =>
      /^nat KUBE-EXT-[A-Z2-7]{16}$/.test(object),
    );
    expect(chains.map(({ lines }) => lines.length).toSorted((a, b) => a - b)).toEqual([2, 4]);
    expect(new Set(chains.map(({ object }) => object)).size).toBe(2);
  });
});

describe('source ranges', () => {
  const balanced = { targets: [REMOTE], loadBalancerIps: [ip('192.0.2.7')], allowedSources: [cidr('10.0.0.0/8')] };

  test('let their clients pass and drop the others', () => {
    const lines = spell(balanced);
    expect(lines).toEqual(
      expect.arrayContaining([
        `nat KUBE-SVC-IP-07 -d 192.0.2.7/32 -p tcp -m comment --comment "${NAME} loadbalancer IP" -m tcp --dport 80 -j KUBE-FW-HASH`,
        `nat KUBE-FW-HASH -s 10.0.0.0/8 -m comment --comment "${NAME} loadbalancer IP" -j KUBE-EXT-HASH`,
        `nat KUBE-FW-HASH -m comment --comment "other traffic to ${NAME} will be dropped by KUBE-PROXY-FIREWALL"`,
        `filter KUBE-FW-IP-07 -d 192.0.2.7/32 -p tcp -m comment --comment "${NAME} traffic not accepted by KUBE-FW-HASH" -m tcp --dport 80 -j DROP`,
      ]),
    );
  });

  test('addresses with the same clients share a chain, others have their own', () => {
    const chains = (allowsItself: boolean): number => {
      const facts = nodePlan('IPv4');
      const drawn = sketch('IPv4', { ...balanced, loadBalancerIps: [ip('192.0.2.7'), ip('192.0.2.8')], allowsItself });
      const service = servicePlan(drawn, facts);
      const pieces = serviceRules(service, planOf('IPv4', [service], facts));
      return pieces.filter(({ object }) => /^nat KUBE-FW-[A-Z2-7]{16}$/.test(object)).length;
    };
    expect(chains(false)).toBe(1);
    expect(chains(true)).toBe(2);
  });

  test('guard nothing while the Service rejects everybody', () => {
    expect(spell({ ...balanced, targets: [] }).join()).not.toContain('KUBE-FW-');
  });
});

describe('session affinity', () => {
  test('endpoints have chains that remember clients', () => {
    const service = servicePlan(
      sketch('IPv4', { targets: [REMOTE, LOCAL], affinityTimeoutS: 10_800 }),
      nodePlan('IPv4'),
    );
    const pieces = serviceRules(service, planOf('IPv4', [service]));
    const chainOf = (part: string): string =>
      pieces
        .find(({ lines }) => lines.some((line) => line.includes(part) && line.includes('--set ')))
        ?.object.slice(4) ?? '';
    const local = chainOf('10.244.1.10:8080');
    const remote = chainOf('10.244.2.10:8080');
    const recent = (chain: string, action: string): string =>
      `-m recent ${action} --name ${chain} --mask 255.255.255.255 --rsource`;
    const check = '--rcheck --seconds 10800 --reap';
    const arrow = (endpoint: string): string => `-m comment --comment "${NAME} -> ${endpoint}"`;
    expect(pieces[0]?.lines.slice(1)).toEqual([
      `${arrow('10.244.1.10:8080')} ${recent(local, check)} -j ${local}`,
      `${arrow('10.244.2.10:8080')} ${recent(remote, check)} -j ${remote}`,
      `${arrow('10.244.1.10:8080')} ${HALF} -j ${local}`,
      `${arrow('10.244.2.10:8080')} -j ${remote}`,
    ]);
    expect(pieces.find(({ object }) => object.endsWith(local))?.lines).toEqual([
      `-s 10.244.1.10/32 -m comment --comment "${NAME}" -j KUBE-MARK-MASQ`,
      `-p tcp -m comment --comment "${NAME}" ${recent(local, '--set')} ${TO_LOCAL}`,
    ]);
  });

  test('in IPv6 the whole address counts', () => {
    const lines = spell({ targets: [target('fd00:244::a', 80)], affinityTimeoutS: 1 }, {}, 'IPv6');
    expect(lines.join()).toContain('--mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource');
  });
});

test('a load balancer may ask for the health of the node', () => {
  expect(spell({ targets: [REMOTE], healthCheckNodePort: 32_100 }).at(-1)).toBe(
    `filter KUBE-EXT-HC-32096-32127 -p tcp -m comment --comment "${NAME} health check node port" -m tcp --dport 32100 -j ACCEPT`,
  );
});
