import { describe, expect, test } from 'vitest';
import { markKey, parseServerKey } from '../../../../src/backend/ipvs/names.ts';
import { allot, anyMark, isMark } from '../../../../src/backend/ipvs/marks.ts';
import { serviceRules } from '../../../../src/backend/ipvs/service.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import type { ServiceSketch } from '../../../support/plans.ts';
import { cidr, ip, nodePlan, planOf, servicePlan, sketch, target } from '../../../support/plans.ts';

const HERE = target('10.244.1.1', 8080, true);
const THERE = target('10.244.2.1', 8080);

/** Pieces as `object key: lines`, without names and addresses unless asked for. */
function spelled(parts: Partial<ServiceSketch>, family: IpFamily = 'IPv4'): readonly string[] {
  const node = nodePlan(family, { interfaceAddresses: [ip(family === 'IPv4' ? '172.18.0.2' : 'fd00:172::2')] });
  const service = servicePlan(sketch(family, parts), node);
  return serviceRules(service, planOf(family, [service], node), 'rr')
    .map(
      ({ object, key, lines }) =>
        `${object.replace('virtual-servers', 'server')} ${key}${lines.length === 0 ? '' : `: ${lines.join(' ')}`}`,
    )
    .filter((line) => !line.includes('SERVICE-NAMES'));
}

const BALANCER = { loadBalancerIps: [ip('192.0.2.7')] } as const;

describe('a frontend is', () => {
  test('a virtual server, a member of its kind, and an address of the device', () => {
    expect(spelled({ targets: [THERE] })).toEqual([
      'server -t 10.96.0.1:80: -s rr 10.244.2.1:8080',
      'addresses 10.96.0.1',
      'set KUBE-IPVS-IPS 10.96.0.1',
      'set KUBE-CLUSTER-IP 10.96.0.1,tcp:80',
    ]);
  });

  test('a virtual server without destinations where there are no endpoints: the kernel rejects', () => {
    expect(spelled({})).toContain('server -t 10.96.0.1:80: -s rr');
  });

  test('only an entry of what is dropped where policy leaves nobody', () => {
    const lines = spelled({ targets: [THERE], internalTrafficPolicy: 'Local' });
    expect(lines).toContain('set KUBE-DROP 10.96.0.1,tcp:80');
    expect(lines.join()).not.toContain('server ');
  });

  test('no address of the device where the node has the address already', () => {
    const lines = spelled({ targets: [THERE], externalIps: [ip('172.18.0.2')] });
    expect(lines).toContain('server -t 172.18.0.2:80: -s rr 10.244.2.1:8080');
    expect(lines.join()).not.toMatch(/(?:addresses|IPVS-IPS) 172/);
  });
});

describe('externalTrafficPolicy Local', () => {
  const local = { ...BALANCER, externalTrafficPolicy: 'Local' } as const;

  test('clients outside have the virtual server, pods and the node a short cut', () => {
    const lines = spelled({ ...local, targets: [HERE, THERE] });
    expect(lines).toContain('server -t 192.0.2.7:80: -s rr 10.244.1.1:8080');
    expect(lines).toContain('set KUBE-SHORT-CUT 192.0.2.7,tcp:80: comment "192.0.2.7,tcp:80"');
    expect(lines).toContain('server -f 192.0.2.7,tcp:80: -s rr 10.244.1.1:8080 10.244.2.1:8080');
    expect(lines).toContain('set KUBE-LOAD-BALANCER-LOCAL 192.0.2.7,tcp:80');
  });

  test('all destinations of a Service share a short cut', () => {
    const lines = spelled({ ...local, targets: [HERE, THERE], nodePort: 30_080 });
    expect(lines.filter((line) => line.includes('server -f'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('SHORT-CUT'))).toHaveLength(2);
  });

  test('without local endpoints, clients outside are dropped before they get there', () => {
    const lines = spelled({ ...local, targets: [THERE] });
    expect(lines).toContain('server -t 192.0.2.7:80: -s rr 10.244.2.1:8080');
    expect(lines).toContain('set KUBE-DROP-OUTSIDE 192.0.2.7,tcp:80');
  });

  test.each([
    ['all endpoints are here', { targets: [HERE] }],
    ['there is session affinity, which marks do not go with', { targets: [HERE, THERE], affinityTimeoutS: 60 }],
  ])('there is no short cut where %s', (_why, parts) => {
    expect(spelled({ ...local, ...parts }).join()).not.toContain('SHORT-CUT');
  });
});

describe('source ranges', () => {
  test('of both families are written as ipset prints them', () => {
    const allowedSources = [cidr('10.0.0.0/8'), cidr('203.0.113.7/32')];
    const lines = spelled({ ...BALANCER, targets: [THERE], allowedSources, allowsItself: true });
    expect(lines.filter((line) => /SOURCE|FW/.test(line))).toEqual([
      'set KUBE-LOAD-BALANCER-FW 192.0.2.7,tcp:80',
      'set KUBE-LOAD-BALANCER-SOURCE-CIDR 192.0.2.7,tcp:80,10.0.0.0/8',
      'set KUBE-LOAD-BALANCER-SOURCE-IP 192.0.2.7,tcp:80,192.0.2.7',
      'set KUBE-LOAD-BALANCER-SOURCE-CIDR 192.0.2.7,tcp:80,203.0.113.7',
    ]);
  });

  test('a short prefix of IPv6 is no single address', () => {
    const lines = spelled(
      { loadBalancerIps: [ip('2001:db8::7')], allowedSources: [cidr('fd00:172::/32'), cidr('fd00::1/128')] },
      'IPv6',
    );
    expect(lines.filter((line) => line.includes('SOURCE-CID'))).toEqual([
      'set KUBE-6-LOAD-BALANCER-SOURCE-CID 2001:db8::7,tcp:80,fd00:172::/32',
      'set KUBE-6-LOAD-BALANCER-SOURCE-CID 2001:db8::7,tcp:80,fd00::1',
    ]);
  });
});

test('node ports have a virtual server at each address of the node, and health checks an entry', () => {
  const lines = spelled({ targets: [THERE], nodePort: 30_080, healthCheckNodePort: 32_000 });
  expect(lines).toContain('server -t 172.18.0.2:30080: -s rr 10.244.2.1:8080');
  expect(lines).toContain('set KUBE-NODE-PORT-TCP 30080');
  expect(lines).toContain('set KUBE-HEALTH-CHECK-NODE-PORT 32000');
});

test('SCTP has no bitmap', () => {
  expect(spelled({ protocol: 'sctp', targets: [THERE], nodePort: 30_080 })).toContain(
    'set KUBE-NODE-PORT-SCTP-HASH 172.18.0.2,sctp:30080',
  );
});

test('local endpoints may reach themselves', () => {
  expect(spelled({ targets: [HERE, THERE] }).filter((line) => line.includes('LOOP'))).toEqual([
    'set KUBE-LOOP-BACK 10.244.1.1,tcp:8080,10.244.1.1',
  ]);
});

describe('marks', () => {
  test.each([0, 14, 17, 31])('leave out bit %i, and stay what ipvsadm takes for positive', (bit) => {
    const marks = [...allot(new Map(), ['a', 'b', 'c'], bit).values()];
    const [value = 0, mask = 0] = anyMark(bit).split('/').map(Number);
    expect(new Set(marks).size).toBe(3);
    for (const mark of marks) {
      expect(Math.floor(mark / 2 ** bit) % 2).toBe(0);
      expect(mark).toBeLessThan(2 ** 31);
      expect((mark & mask) >>> 0).toBe(value);
      expect(isMark(mark, bit)).toBe(true);
    }
  });

  test('are kept, and those that are free are used again', () => {
    const first = allot(new Map(), ['a', 'b'], 14);
    const b = new Map([...first].filter(([name]) => name === 'b'));
    const second = allot(b, ['c', 'b'], 14);
    expect(second.get('b')).toBe(first.get('b'));
    expect(second.get('c')).toBe(first.get('a'));
  });

  test.each([
    ['-f 17 -6', { mark: 17, family: 'IPv6' }],
    ['-t [fd00::1]:80', { protocol: 'tcp', address: 'fd00::1', port: 80 }],
    ['--sctp-service 10.0.0.1:9', { protocol: 'sctp', address: '10.0.0.1', port: 9 }],
    ['-x 10.0.0.1:9', undefined],
    ['-t nowhere:80', undefined],
  ])('a key of ipvsadm is understood: %s', (key, parsed) => {
    expect(parseServerKey(key)).toEqual(parsed);
    expect([markKey('IPv4', 17), markKey('IPv6', 17)]).toEqual(['-f 17', '-f 17 -6']);
  });
});
