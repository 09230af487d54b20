import { beforeEach, describe, expect, test } from 'vitest';
import { addressMatcher, StaleFlows } from '../../../src/applier/stale-flows.ts';
import type { FlowState } from '../../../src/applier/stale-destinations.ts';
import { SluiceError } from '../../../src/base/errors.ts';
import { endpoint } from '../../support/cluster.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeConntrack, flow } from '../../support/fake-conntrack.ts';
import { state } from '../../support/flow-states.ts';
import { ip, nodePlan } from '../../support/plans.ts';
import { MemoryLog } from '../../support/program-node.ts';

const NODE_ADDRESS = '192.168.0.1';

const A = '10.244.1.1:5353';
const B = '10.244.1.2:5353';
const C = '10.244.1.3:5353';

let kernel: FakeConntrack;
let log: MemoryLog;
let stale: StaleFlows;

beforeEach(() => {
  kernel = new FakeConntrack();
  log = new MemoryLog();
  stale = new StaleFlows({
    conntrack: kernel,
    clock: new FakeClock(),
    log: log.log,
    localAddresses: () => ['127.0.0.1', NODE_ADDRESS, '::1'],
  });
});

/** @returns the flows that are left, `destination > answerer`. */
async function left(...flows: readonly string[]): Promise<readonly string[]> {
  kernel.flows = flows.map(flow);
  await stale.clean('IPv4');
  return kernel.texts;
}

/** The kernel has the state, and no stale flows. */
async function settled(first: FlowState): Promise<void> {
  stale.note(first);
  await stale.clean('IPv4');
  kernel.listings.length = 0;
}

describe('the first state', () => {
  test('leaves flows alone that go where they may', async () => {
    stale.note(state([{ to: [A, B] }]));
    expect(await left(`10.96.0.10:53 > ${A}`, `10.96.0.10:53 > ${B}`)).toHaveLength(2);
  });

  test('cuts those to other endpoints, other ports of them, and those from before there was a Service', async () => {
    stale.note(state([{ to: [A] }]));
    const others = [`10.96.0.10:53 > ${B}`, '10.96.0.10:53 > 10.244.1.1:53', '10.96.0.10:53 > 10.96.0.10:53'];
    expect(await left(`10.96.0.10:53 > ${A}`, ...others)).toEqual([`10.96.0.10:53 > ${A}`]);
  });

  test('leaves alone what no UDP port of a Service has to do with', async () => {
    const http = { name: 'default/web:http', protocol: 'tcp', port: 80, clusterIp: ip('10.96.0.11') } as const;
    stale.note(state([{ to: [A] }, { ...http, to: [B] }]));
    const flows = ['10.96.0.11:80 > 10.244.9.9:80', '10.96.0.10:54 > 10.96.0.10:54', '8.8.8.8:53 > 8.8.8.8:53'];
    expect(await left(...flows)).toEqual(flows);
  });

  test('covers external and load balancer addresses and NodePorts', async () => {
    const addresses = { externalIps: [ip('198.51.100.1')], loadBalancerIps: [ip('192.0.2.1')], nodePort: 30_053 };
    stale.note(state([{ ...addresses, to: [A] }]));
    const places = ['10.96.0.10:53', '198.51.100.1:53', '192.0.2.1:53', `${NODE_ADDRESS}:30053`];
    const good = places.map((place) => `${place} > ${A}`);
    expect(await left(...places.map((place) => `${place} > ${B}`), ...good)).toEqual(good);
  });

  test('without UDP ports nothing is listed', async () => {
    stale.note(
      state([
        { protocol: 'tcp', to: [A] },
        { name: 'a/b:c', protocol: 'sctp', to: [A] },
      ]),
    );
    expect(await stale.clean('IPv4')).toEqual({ family: 'IPv4', destinations: 0, deleted: 0, ms: 0 });
    expect(kernel.listings).toEqual([]);
  });
});

describe('a change', () => {
  const before = { externalIps: [ip('198.51.100.1')], nodePort: 30_053, to: [A, B] };
  const everywhere = (answerer: string): readonly string[] =>
    ['10.96.0.10:53', '198.51.100.1:53', `${NODE_ADDRESS}:30053`].map((place) => `${place} > ${answerer}`);

  beforeEach(() => settled(state([before])));

  test.for([
    ['one more endpoint', { ...before, to: [A, B, C] }],
    ['nothing', before],
    ['session affinity', { ...before, affinityTimeoutS: 10 }],
  ] as const)('of %s makes nobody look', async ([, after]) => {
    stale.note(state([after]));
    await stale.clean('IPv4');
    expect(kernel.listings).toEqual([]);
  });

  test('of a TCP port makes nobody look', async () => {
    const http = { name: 'default/web:http', protocol: 'tcp', clusterIp: ip('10.96.0.11') } as const;
    stale.note(state([before, { ...http, to: [A] }]));
    stale.note(state([before, http]));
    await stale.clean('IPv4');
    expect(kernel.listings).toEqual([]);
  });

  test('to another endpoint cuts the flows of the one that went', async () => {
    stale.note(state([{ ...before, to: [A, C] }]));
    expect(await left(...everywhere(A), ...everywhere(B))).toEqual(everywhere(A));
  });

  test('to another target port cuts all', async () => {
    stale.note(state([{ ...before, to: ['10.244.1.1:53', '10.244.1.2:53'] }]));
    expect(await left(...everywhere(A), ...everywhere(B))).toEqual([]);
  });

  test('to no endpoint at all cuts all', async () => {
    stale.note(state([{ ...before, to: [] }]));
    expect(await left(...everywhere(A), ...everywhere(B))).toEqual([]);
  });

  test('to no Service at all cuts what went to its endpoints, and nothing else', async () => {
    stale.note(state([]));
    const others = ['198.51.100.1:53 > 198.51.100.1:53', `${NODE_ADDRESS}:30053 > ${NODE_ADDRESS}:30053`];
    expect(await left(...everywhere(A), ...everywhere(B), ...others)).toEqual(others);
  });

  test('that takes an address away cuts the flows to it', async () => {
    stale.note(state([{ ...before, externalIps: [] }]));
    expect(await left(...everywhere(A))).toEqual([`10.96.0.10:53 > ${A}`, `${NODE_ADDRESS}:30053 > ${A}`]);
  });

  test('to another NodePort cuts the flows to the old one', async () => {
    stale.note(state([{ ...before, nodePort: 30_054 }]));
    expect(await left(...everywhere(A))).toEqual([`10.96.0.10:53 > ${A}`, `198.51.100.1:53 > ${A}`]);
  });

  test('of the name of the port alone cuts nothing', async () => {
    stale.note(state([{ ...before, name: 'default/dns:other' }]));
    expect(await left(...everywhere(A), ...everywhere(B))).toHaveLength(6);
  });

  test('of the owner of an address cuts what the former owner had', async () => {
    const heir = { name: 'default/heir:dns', clusterIp: ip('10.96.0.11'), externalIps: [ip('198.51.100.1')], to: [C] };
    stale.note(state([{ ...before, externalIps: [] }, heir]));
    const flows = [...everywhere(A), '198.51.100.1:53 > 10.244.1.3:5353'];
    expect(await left(...flows)).toEqual(flows.filter((text) => text !== everywhere(A)[1]));
  });

  test('of a single address reads out the entries of that address only', async () => {
    stale.note(state([{ ...before, externalIps: [] }]));
    await stale.clean('IPv4');
    stale.note(state([before]));
    await stale.clean('IPv4');
    expect(kernel.listings).toEqual([{ destination: '198.51.100.1' }, { destination: '198.51.100.1' }]);
    stale.note(state([{ ...before, to: [] }]));
    await stale.clean('IPv4');
    expect(kernel.listings.at(-1)).toEqual({});
  });

  test('of the other family is another matter', async () => {
    stale.note(state([{ ...before, to: [] }]));
    await stale.clean('IPv6');
    expect(kernel.listings).toEqual([]);
  });
});

describe('an endpoint that terminates', () => {
  const leaving = endpoint('10.244.1.2', { port: 5353, ready: false, terminating: true });

  test('keeps its flows while it serves, and loses them when it is gone, though no rule changes then', async () => {
    await settled(state([{ to: [A, B] }]));
    const during = state([{ to: [A], others: [leaving] }]);
    stale.note(during);
    expect(await left(`10.96.0.10:53 > ${B}`)).toHaveLength(1);
    stale.note({ plan: during.plan, endpoints: state([{ to: [A] }]).endpoints });
    expect(await left(`10.96.0.10:53 > ${B}`)).toEqual([]);
  });

  test('loses them when it no longer serves', async () => {
    await settled(state([{ to: [A, B] }]));
    stale.note(state([{ to: [A], others: [{ ...leaving, serving: false }] }]));
    expect(await left(`10.96.0.10:53 > ${B}`)).toEqual([]);
  });
});

describe('NodePorts', () => {
  const dns = { nodePort: 30_053, to: [A, B] };

  test('flows to that port of other machines and of pods are none of ours', async () => {
    await settled(state([dns]));
    stale.note(state([{ ...dns, to: [A] }]));
    const others = ['192.168.0.2:30053 > 192.168.0.2:30053', '10.244.1.2:30053 > 10.244.1.2:30053'];
    expect(await left(...others)).toEqual(others);
  });

  test('flows that were translated to an endpoint which is gone are, whatever address they came by', async () => {
    await settled(state([dns]));
    stale.note(state([{ ...dns, to: [A] }]));
    const flows = [`192.168.99.1:30053 > ${B}`, `192.168.99.1:30053 > ${A}`, '192.168.99.1:30053 > 10.1.1.1:1'];
    expect(await left(...flows)).toEqual(flows.slice(1));
  });

  test('only on the addresses that serve them', async () => {
    const node = nodePlan('IPv4', {
      nodePortAddresses: { kind: 'listed', addresses: [ip('192.168.0.7')], loopback: false },
    });
    stale.note(state([dns], node));
    const others = [`${NODE_ADDRESS}:30053 > ${NODE_ADDRESS}:30053`, '127.0.0.1:30053 > 127.0.0.1:30053'];
    expect(await left(...others, '192.168.0.7:30053 > 192.168.0.7:30053')).toEqual(others);
  });

  test.for([true, false])('on loopback: %s', (loopback) => {
    const serves = addressMatcher({ kind: 'all', loopback }, ['127.0.0.1', '::1', NODE_ADDRESS]);
    expect([NODE_ADDRESS, '127.0.0.1', '127.0.0.53', '10.0.0.1'].map((text) => serves(ip(text)))).toEqual([
      true,
      loopback,
      loopback,
      false,
    ]);
  });
});

describe('what is due', () => {
  const failure = new SluiceError({ code: 'command-timeout', message: 'conntrack did not finish' });

  beforeEach(() => settled(state([{ to: [A] }])));

  test('adds up over writes that fail', async () => {
    stale.note(state([{ to: [B] }]));
    stale.note(state([{ to: [A] }]));
    expect(await left(`10.96.0.10:53 > ${B}`, `10.96.0.10:53 > ${A}`)).toEqual([`10.96.0.10:53 > ${A}`]);
  });

  test('knows all endpoints there were since the last cleaning', async () => {
    stale.note(state([{ to: [B] }]));
    stale.note(state([{ to: [C] }]));
    stale.note(state([]));
    const flows = [A, B, C].map((answerer) => `10.96.0.10:53 > ${answerer}`);
    expect(await left(...flows, '10.96.0.10:53 > 10.1.1.1:1')).toEqual(['10.96.0.10:53 > 10.1.1.1:1']);
  });

  test('outlasts a cleaning that fails, which is said once', async () => {
    stale.note(state([{ to: [B] }]));
    kernel.failure = failure;
    expect(await stale.clean('IPv4')).toMatchObject({ deleted: 0, destinations: 1, failure });
    stale.note(state([{ to: [B, C] }]));
    expect(await stale.clean('IPv4')).toMatchObject({ failure });
    expect(log.lines).toEqual([expect.stringContaining('they are tried again: conntrack did not finish')]);
    kernel.failure = undefined;
    const flows = [A, B, C].map((answerer) => `10.96.0.10:53 > ${answerer}`);
    expect(await left(...flows)).toEqual(flows.slice(1));
    await stale.clean('IPv4');
    expect(kernel.listings).toHaveLength(3);
  });

  test('grows while a cleaning is under way', async () => {
    stale.note(state([{ to: [B] }]));
    kernel.flows = [flow(`10.96.0.10:53 > ${B}`)];
    const cleaning = stale.clean('IPv4');
    stale.note(state([{ to: [C] }]));
    expect(await cleaning).toMatchObject({ deleted: 0 });
    expect(await left(`10.96.0.10:53 > ${B}`, `10.96.0.10:53 > ${C}`)).toEqual([`10.96.0.10:53 > ${C}`]);
  });

  test.for(['command-missing', 'permission-denied'] as const)('is given up for good on %s', async (code) => {
    stale.note(state([{ to: [B] }]));
    kernel.failure = new SluiceError({ code, message: 'no way', hint: 'do something' });
    await stale.clean('IPv4');
    stale.note(state([{ to: [C] }]));
    expect(await stale.clean('IPv4')).toEqual({ family: 'IPv4', destinations: 0, deleted: 0, ms: 0 });
    expect(kernel.listings).toHaveLength(1);
    expect(log.lines).toEqual([expect.stringContaining('they stay with endpoints that are gone: no way')]);
  });

  test('is told when it was found', async () => {
    stale.note(state([{ to: [] }]));
    kernel.flows = [flow(`10.96.0.10:53 > ${A}`), flow(`10.96.0.10:53 > ${A}`)];
    expect(await stale.clean('IPv4')).toMatchObject({ deleted: 2, destinations: 1 });
  });
});
