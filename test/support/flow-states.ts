import type { FlowState } from '../../src/applier/stale-destinations.ts';
import { PersistentMap } from '../../src/base/persistent-map.ts';
import type { NodePlan } from '../../src/compiler/plan.ts';
import type { Endpoint } from '../../src/model/endpoint.ts';
import { endpoint } from './cluster.ts';
import type { ServiceSketch } from './plans.ts';
import { ip, nodePlan, planOf, servicePlan, sketch, target } from './plans.ts';

const DNS = { protocol: 'udp', port: 53, clusterIp: ip('10.96.0.10') } as const;

interface Sketched extends Partial<Omit<ServiceSketch, 'targets'>> {
  /** `address:port` of ready endpoints, which are the targets of the plan. */
  readonly to?: readonly string[];
  /** Endpoints that are in no pool. */
  readonly others?: readonly Endpoint[];
}

function split(text: string): { host: string; port: number } {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

/** A plan of these Services, `default/dns` on 10.96.0.10:53/udp unless they say otherwise, and its endpoints. */
export function state(services: readonly Sketched[], node: NodePlan = nodePlan('IPv4')): FlowState {
  const made = services.map(({ to = [], others = [], ...parts }) => {
    const targets = to.map(split).map(({ host, port }) => target(host, port));
    const plan = servicePlan(sketch('IPv4', { name: 'default/dns:dns', ...DNS, ...parts, targets }), node);
    const ready = to.map(split).map(({ host, port }) => endpoint(host, { port }));
    return { plan, endpoints: [...ready, ...others] };
  });
  return {
    plan: planOf(
      'IPv4',
      made.map(({ plan }) => plan),
      node,
    ),
    endpoints: PersistentMap.of(made.map(({ plan, endpoints }) => [plan.key, endpoints])),
  };
}
