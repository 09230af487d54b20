import { describe, expect, test } from 'vitest';
import type { Compilation } from '../../../src/compiler/compile.ts';
import { compile, conflictsOf } from '../../../src/compiler/compile.ts';
import type { ServicePort } from '../../../src/model/service.ts';
import { NODE, servicePort, SETTINGS, snapshotOf } from '../../support/cluster.ts';
import { ip } from '../../support/plans.ts';

const SHARED = ip('192.0.2.1');

/** Service `default/<name>`, created `createdAtMs`, with a ClusterIP of its own; its key is `default/<name>:http/tcp`. */
function service(name: string, createdAtMs: number, parts: Partial<ServicePort> = {}): ServicePort {
  const clusterIps = [ip(`10.96.0.${name.charCodeAt(0)}`)];
  return servicePort({ service: `default/${name}`, clusterIps, createdAtMs, ...parts });
}

function run(ports: readonly ServicePort[], previous?: Compilation): Compilation {
  const snapshot = snapshotOf(ports.map((port) => [port, []]));
  return compile({ snapshot, node: NODE, settings: SETTINGS, family: 'IPv4' }, previous);
}

/** Who has what, beside the ClusterIPs that nobody else wants. */
function owners({ plan }: Compilation): Record<string, string[]> {
  const owned = [...plan.services.values()].flatMap(({ name, frontends, protocol }) =>
    frontends
      .filter(({ kind }) => kind !== 'cluster-ip')
      .map(
        (frontend) =>
          [`${frontend.kind === 'node-port' ? '*' : frontend.address}:${frontend.port}/${protocol}`, name] as const,
      ),
  );
  const found: Record<string, string[]> = {};
  for (const [destination, name] of owned)
    (found[destination] ??= []).push(name.slice('default/'.length, -':http'.length));
  return found;
}

const external = { externalIps: [SHARED] };
const nodePort = { nodePort: 30_001 };

describe('two Services want one destination', () => {
  test.each<[string, readonly ServicePort[], Record<string, string[]>]>([
    ['the older wins', [service('a', 2, external), service('b', 1, external)], { '192.0.2.1:80/tcp': ['b'] }],
    [
      'of the same age, the smaller name',
      [service('b', 1, external), service('a', 1, external)],
      { '192.0.2.1:80/tcp': ['a'] },
    ],
    ['NodePorts too', [service('a', 2, nodePort), service('b', 1, nodePort)], { '*:30001/tcp': ['b'] }],
    [
      'another port is another destination',
      [service('a', 2, external), service('b', 1, { ...external, port: 81 })],
      { '192.0.2.1:80/tcp': ['a'], '192.0.2.1:81/tcp': ['b'] },
    ],
    [
      'another protocol too',
      [service('a', 2, external), service('b', 1, { ...external, protocol: 'udp' })],
      { '192.0.2.1:80/tcp': ['a'], '192.0.2.1:80/udp': ['b'] },
    ],
    [
      'whatever kind of address it is for each',
      [service('a', 2, external), service('b', 1, { loadBalancerIps: [SHARED] })],
      { '192.0.2.1:80/tcp': ['b'] },
    ],
    [
      'the rest of the loser stays',
      [service('a', 2, { ...external, ...nodePort }), service('b', 1, external)],
      { '192.0.2.1:80/tcp': ['b'], '*:30001/tcp': ['a'] },
    ],
  ])('%s', (_name, ports, want) => {
    expect(owners(run(ports))).toEqual(want);
    expect(owners(run(ports.toReversed()))).toEqual(want);
  });

  test('a Service that loses everything is not in the plan', () => {
    const clusterIps = [ip('10.96.0.1')];
    const compilation = run([service('a', 2, { clusterIps }), service('b', 1, { clusterIps })]);
    expect([...compilation.plan.services.keys()]).toEqual(['default/b:http/tcp']);
  });

  test('a second port of the winner on the same NodePort loses like anybody', () => {
    const first = service('a', 1, { ...nodePort, portName: 'x' });
    const second = service('a', 1, { ...nodePort, portName: 'y', port: 81 });
    const { plan } = run([second, first]);
    expect(plan.services.get(first.key)?.frontends.map(({ kind }) => kind)).toEqual(['cluster-ip', 'node-port']);
    expect(plan.services.get(second.key)?.frontends.map(({ kind }) => kind)).toEqual(['cluster-ip']);
  });

  test('a loser keeps its pools, so that what is left of it works', () => {
    const winner = service('b', 1, external);
    expect(owners(run([service('a', 2, external), winner]))).toEqual({ '192.0.2.1:80/tcp': ['b'] });
    expect(run([service('a', 2, external), winner]).plan.services.get('default/a:http/tcp')?.frontends).toHaveLength(1);
  });
});

describe('conflicts over time', () => {
  const old = service('b', 1, external);
  const young = service('a', 2, external);

  test('the loser gets the destination when the winner goes', () => {
    const both = run([young, old]);
    const alone = run([young], both);
    expect([owners(both), owners(alone)]).toEqual([{ '192.0.2.1:80/tcp': ['b'] }, { '192.0.2.1:80/tcp': ['a'] }]);
    expect(conflictsOf(alone)).toEqual([]);
  });

  test('the loser gets it when the winner no longer wants it', () => {
    const after = run([young, service('b', 1)], run([young, old]));
    expect(owners(after)).toEqual({ '192.0.2.1:80/tcp': ['a'] });
  });

  test('an older Service that comes later takes it', () => {
    const before = run([young]);
    const after = run([young, old], before);
    expect([owners(before), owners(after)]).toEqual([{ '192.0.2.1:80/tcp': ['a'] }, { '192.0.2.1:80/tcp': ['b'] }]);
  });

  test('a Service that is made anew is the youngest', () => {
    const after = run([young, { ...old, createdAtMs: 3 }], run([young, old]));
    expect(owners(after)).toEqual({ '192.0.2.1:80/tcp': ['a'] });
  });

  test('seniority can turn round completely at once', () => {
    const names = ['a', 'b', 'c'];
    const before = run(names.map((name, i) => service(name, i, external)));
    const after = run(
      names.map((name, i) => service(name, 9 - i, external)),
      before,
    );
    expect([owners(before), owners(after)]).toEqual([{ '192.0.2.1:80/tcp': ['a'] }, { '192.0.2.1:80/tcp': ['c'] }]);
    expect(conflictsOf(after).map(({ winner, loser }) => `${winner} ${loser}`)).toEqual([
      'default/c:http/tcp default/a:http/tcp',
      'default/c:http/tcp default/b:http/tcp',
    ]);
  });

  test('of three, the next in age follows', () => {
    const third = service('c', 3, external);
    const three = run([third, young, old]);
    const two = run([third, young], three);
    const one = run([third], two);
    expect([owners(two), owners(one)]).toEqual([{ '192.0.2.1:80/tcp': ['a'] }, { '192.0.2.1:80/tcp': ['c'] }]);
  });

  test('Services that are no party to it stay the same objects', () => {
    const bystander = service('x', 5, nodePort);
    const before = run([young, old, bystander]);
    const after = run([young, bystander], before);
    expect(after.plan.services.get(bystander.key)).toBe(before.plan.services.get(bystander.key));
    expect(after.plan.services.get(young.key)).not.toBe(before.plan.services.get(young.key));
  });
});

test('conflictsOf names winner and losers, sorted', () => {
  const ports = [
    service('a', 3, { ...external, ...nodePort }),
    service('b', 1, external),
    service('c', 2, { ...external, ...nodePort }),
  ];
  expect(conflictsOf(run(ports))).toEqual([
    { destination: '*:30001/tcp', winner: 'default/c:http/tcp', loser: 'default/a:http/tcp' },
    { destination: '192.0.2.1:80/tcp', winner: 'default/b:http/tcp', loser: 'default/a:http/tcp' },
    { destination: '192.0.2.1:80/tcp', winner: 'default/b:http/tcp', loser: 'default/c:http/tcp' },
  ]);
});
