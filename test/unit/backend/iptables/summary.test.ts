import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { parseSave } from '../../../../src/backend/iptables/parse.ts';
import { iptablesSpelling } from '../../../../src/backend/iptables/render.ts';
import { summarizeIptables } from '../../../../src/backend/iptables/summary.ts';
import { KUBE_PROXY_RULES } from '../../../support/kube-proxy-rules.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

describe('what rules serve', () => {
  test('kube-proxy’s rules can be read', () => {
    const web = { service: 'default/web:http', endpoints: ['10.244.1.10:8080', '10.244.2.10:8080'], protocol: 'tcp' };
    expect(summarizeIptables(parseSave(KUBE_PROXY_RULES))).toEqual([
      { ...web, kind: 'NodePort', destination: '*:30080', notes: [] },
      {
        service: 'default/kubernetes:https',
        kind: 'ClusterIP',
        destination: '10.96.0.1:443',
        protocol: 'tcp',
        endpoints: ['172.18.0.2:6443'],
        notes: [],
      },
      { ...web, kind: 'ClusterIP', destination: '10.96.0.7:80', notes: [] },
      {
        service: 'default/gone',
        kind: 'ClusterIP',
        destination: '10.96.0.9:80',
        protocol: 'tcp',
        endpoints: [],
        notes: ['reject'],
      },
      { ...web, kind: 'LoadBalancer', destination: '192.0.2.7:80', notes: ['only from 10.0.0.0/8'] },
    ]);
  });

  const external = { nodePort: 30_080, loadBalancerIps: [ip('192.0.2.7')], externalIps: [ip('198.51.100.7')] };
  const remote = target('10.244.2.10', 8080);
  const local = target('10.244.1.10', 8080, true);
  test.each<[string, Partial<ServiceSketch>, Record<string, string[]>]>([
    [
      'policy Local, no local endpoints',
      { targets: [remote], externalTrafficPolicy: 'Local' },
      {
        ClusterIP: [],
        ExternalIP: ['drop from outside'],
        LoadBalancer: ['drop from outside'],
        NodePort: ['drop from outside'],
      },
    ],
    [
      'policy Local, source ranges',
      { targets: [remote, local], externalTrafficPolicy: 'Local', allowedSources: [cidr('10.0.0.0/8')] },
      {
        ClusterIP: [],
        ExternalIP: ['local endpoints only from outside'],
        LoadBalancer: ['only from 10.0.0.0/8', 'local endpoints only from outside'],
        NodePort: ['local endpoints only from outside'],
      },
    ],
    [
      'no endpoints',
      {},
      { ClusterIP: ['reject'], ExternalIP: ['reject'], LoadBalancer: ['reject'], NodePort: ['reject'] },
    ],
    [
      'internal policy Local, no local endpoints',
      { targets: [remote], internalTrafficPolicy: 'Local' },
      { ClusterIP: ['drop'], ExternalIP: [], LoadBalancer: [], NodePort: [] },
    ],
  ])('%s', (_title, parts, notes) => {
    const plan = planOf('IPv4', [servicePlan(sketch('IPv4', { ...external, ...parts }), nodePlan('IPv4'))]);
    const { rules } = assemble(iptablesSpelling({ masqueradeBit: 14, conntrackBeLiberal: false }), plan);
    const told = summarizeIptables(rules);
    expect(Object.fromEntries(told.map((one) => [one.kind, one.notes]))).toEqual(notes);
    expect(told.every(({ service }) => service === 'default/web:http')).toBe(true);
  });

  test('a health check port is no destination', () => {
    const drawn = sketch('IPv4', { targets: [remote], healthCheckNodePort: 32_000 });
    const { rules } = assemble(
      iptablesSpelling({ masqueradeBit: 14, conntrackBeLiberal: false }),
      planOf('IPv4', [servicePlan(drawn, nodePlan('IPv4'))]),
    );
    expect(summarizeIptables(rules).map(({ destination }) => destination)).toEqual(['10.96.0.1:80']);
  });
});
