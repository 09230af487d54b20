import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StaleFlows } from '../../../src/applier/stale-flows.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { PersistentMap } from '../../../src/base/persistent-map.ts';
import type { Plan, ServicePlan } from '../../../src/compiler/plan.ts';
import type { Endpoint } from '../../../src/model/endpoint.ts';
import type { IpFamily } from '../../../src/model/address.ts';
import { IP_FAMILIES, socketAddress } from '../../../src/model/address.ts';
import { endpoint } from '../../support/cluster.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeConntrack, flow } from '../../support/fake-conntrack.ts';
import { address, ip, nodePlan, planHistoryArbitrary } from '../../support/plans.ts';

const NODE = { IPv4: ip('192.168.0.1'), IPv6: ip('2001:db8::1') };
const OTHER_NODE = { IPv4: ip('192.168.0.2'), IPv6: ip('2001:db8::2') };

function targetsOf({ pools }: ServicePlan): readonly string[] {
  return [...new Set([...pools.cluster, ...pools.local].map((one) => socketAddress(one.address, one.port)))];
}

/** Where each UDP port of a Service is reached, and who may answer there. */
function places(plan: Plan): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const service of plan.services.values()) {
    if (service.protocol !== 'udp') continue;
    for (const frontend of service.frontends) {
      const host = frontend.kind === 'node-port' ? NODE[plan.family] : frontend.address;
      found.set(socketAddress(host, frontend.port), targetsOf(service));
    }
  }
  return found;
}

function endpointsOf(plan: Plan, before: PersistentMap<readonly Endpoint[]>): PersistentMap<readonly Endpoint[]> {
  return before.update((draft) => {
    for (const key of before.keys()) if (!plan.services.has(key)) draft.delete(key);
    for (const { key, pools } of plan.services.values()) {
      draft.set(
        key,
        [...pools.cluster, ...pools.local].map((one) => endpoint(one.address, { port: one.port })),
      );
    }
  });
}

/** Flows that no Service has to do with, some of them to ports that Services have elsewhere. */
function unrelated(family: IpFamily): readonly string[] {
  const ports = [53, 80, 81, ...Array.from({ length: 12 }, (_, n) => 30_000 + 37 * n)];
  const hosts = [OTHER_NODE[family], address(family, 'endpoint', 3)];
  return ports.flatMap((port) => hosts.map((host) => `${socketAddress(host, port)} > ${socketAddress(host, port)}`));
}

describe.each(IP_FAMILIES)('%s', (family) => {
  test('after a cleaning every flow goes where it may, and no other flow was touched', async () => {
    const failure = new SluiceError({ code: 'command-timeout', message: 'late' });
    const outcome = fc.constantFrom('cleaned', 'failed', 'not written');
    const holds = fc.assert(
      fc.asyncProperty(planHistoryArbitrary(family), fc.infiniteStream(outcome), async (plans, outcomes) => {
        const kernel = new FakeConntrack();
        const stale = new StaleFlows({
          conntrack: kernel,
          clock: new FakeClock(),
          log: silentLog,
          localAddresses: () => [NODE[family]],
        });
        const foreign = unrelated(family);
        kernel.flows = foreign.map(flow);
        let endpoints = PersistentMap.empty<readonly Endpoint[]>();
        for (const drawn of plans) {
          const plan = { ...drawn, node: nodePlan(family) };
          endpoints = endpointsOf(plan, endpoints);
          stale.note({ plan, endpoints });
          const good = [...places(plan)].flatMap(([place, targets]) => targets.map((one) => `${place} > ${one}`));
          kernel.flows = [...kernel.flows, ...good.map(flow)];
          const [what] = outcomes.take(1);
          if (what === 'not written') continue;
          kernel.failure = what === 'failed' ? failure : undefined;
          await stale.clean(family);
          if (what === 'cleaned') expect(new Set(kernel.texts)).toEqual(new Set([...foreign, ...good]));
        }
      }),
    );
    await expect(holds).resolves.toBeUndefined();
  });
});
