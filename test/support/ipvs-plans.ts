import type * as fc from 'fast-check';
import type { NodePlan, Plan } from '../../src/compiler/plan.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { ip, planHistoryArbitrary } from './plans.ts';

const INTERFACES = {
  IPv4: [ip('127.0.0.1'), ip('172.18.0.2')],
  IPv6: [ip('::1'), ip('fd00:172::2'), ip('fe80::1')],
} as const;

/** Plans of a node whose interfaces are known, as they are where IPVS is used. */
export function ipvsPlanHistory(family: IpFamily): fc.Arbitrary<readonly Plan[]> {
  return planHistoryArbitrary(family).map((plans) => {
    const nodes = new Map<NodePlan, NodePlan>();
    return plans.map((plan) => {
      const node = nodes.get(plan.node) ?? { ...plan.node, interfaceAddresses: INTERFACES[family] };
      nodes.set(plan.node, node);
      return { ...plan, node };
    });
  });
}
