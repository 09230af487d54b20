import { describe, expect, test } from 'vitest';
import { DnsWorld } from './cluster.ts';
import { CLUSTER } from './objects.ts';

const ZONED = `
apiVersion: v1
kind: Service
metadata: { name: zoned, namespace: default }
spec: { clusterIP: None }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: zoned-4, namespace: default, labels: { kubernetes.io/service-name: zoned } }
addressType: IPv4
ports: [{ name: sql, port: 5432 }]
endpoints:
  - { addresses: [10.1.0.1], zone: eu-1a, hints: { forZones: [{ name: eu-1b }] } }
  - { addresses: [10.1.0.2], zone: EU-1B, hostname: second }
  - { addresses: [10.1.0.3], zone: eu-1b }
  - { addresses: [10.1.0.4], zone: a.rack.example }
  - { addresses: [10.1.0.5] }
  - { addresses: [10.1.0.6], zone: eu-1c, conditions: { ready: false } }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: zoned-6, namespace: default, labels: { kubernetes.io/service-name: zoned } }
addressType: IPv6
ports: [{ name: sql, port: 5432 }]
endpoints: [{ addresses: ["fd00::1"], zone: eu-1a }]
---${CLUSTER}`;

const ALL = ['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.1.0.4', '10.1.0.5'];
const NODATA = 'NOERROR aa | | CL 30 SOA';
const NXDOMAIN = 'NXDOMAIN aa | | CL 30 SOA';

describe('R17: endpoints of a topology zone', () => {
  const world = new DnsWorld(ZONED, { zone: { zonal: true } });
  const below = (name: string, type = 'A') => world.ask(`${name}.default.svc.cluster.local ${type}`);
  const addresses = async (name: string, type = 'A'): Promise<readonly string[]> => {
    const [, answer = ''] = (await below(name, type)).split(' | ');
    return answer
      .split(', ')
      .map((record) => record.split(' ').at(-1) ?? '')
      .toSorted();
  };

  test.each([
    ['eu-1a.pin._zone.zoned', 'A', ['10.1.0.1']],
    ['eu-1a.pin._zone.zoned', 'AAAA', ['fd00::1']],
    ['EU-1b.Pin._Zone.zoned', 'A', ['10.1.0.2', '10.1.0.3']],
    ['a.rack.example.pin._zone.zoned', 'A', ['10.1.0.4']],
    ['eu-1a.prefer._zone.zoned', 'A', ['10.1.0.1']],
    ['eu-1c.prefer._zone.zoned', 'A', ALL],
    ['none.prefer._zone.zoned', 'A', ALL],
  ])('%s %s', async (name, type, expected) => expect(await addresses(name, type)).toEqual(expected));

  test('SRV and additional records are of the zone only', async () => {
    const name = 'eu-1b.pin._zone.zoned.default.svc.CL';
    expect(
      await new DnsWorld(ZONED, { zone: { zonal: true } }).ask('eu-1b.pin._zone.zoned.default.svc.cluster.local SRV'),
    ).toBe(
      [
        'NOERROR aa',
        `${name} 5 SRV 0 50 5432 second.zoned.default.svc.CL, ${name} 5 SRV 0 50 5432 10-1-0-3.zoned.default.svc.CL`,
        '| second.zoned.default.svc.CL 5 A 10.1.0.2, 10-1-0-3.zoned.default.svc.CL 5 A 10.1.0.3',
      ].join(' | '),
    );
  });

  test.each([
    ['a zone without endpoints', 'none.pin._zone.zoned', 'A'],
    ['a zone whose endpoints are not ready', 'eu-1c.pin._zone.zoned', 'A'],
    ['the other family', 'eu-1b.pin._zone.zoned', 'AAAA'],
    ['another type', 'eu-1a.prefer._zone.zoned', 'TXT'],
    ['what zones are below', 'pin._zone.zoned', 'A'],
    ['what directives are below', '_zone.zoned', 'A'],
  ])('NODATA: %s', async (_what, name, type) => expect(await below(name, type)).toBe(NODATA));

  test.each([
    ['another directive', 'eu-1a.only._zone.zoned'],
    ['a label too many', 'x._sql._tcp.zoned'],
    ['a Service with an address', 'eu-1a.pin._zone.web'],
    ['an alias', 'eu-1a.pin._zone.alias'],
    ['no Service', 'eu-1a.pin._zone.none'],
    ['no ready endpoint', 'eu-1a.prefer._zone.idle'],
  ])('NXDOMAIN: %s', async (_what, name) => expect(await below(name)).toBe(NXDOMAIN));

  test('a dot in a label is no dot between labels', () => {
    const name = '\x0ea.rack.example\x03pin\x05_zone\x05zoned\x07default\x03svc\x07cluster\x05local\0';
    expect(world.zone.find(name, 1)).toMatchObject({ kind: 'empty', rule: 'zone-without-endpoints' });
  });
});

test('names of topology zones do not exist unless they are wanted', async () => {
  const world = new DnsWorld(ZONED);
  for (const name of ['eu-1a.pin._zone.zoned', 'pin._zone.zoned', '_zone.zoned']) {
    expect(await world.ask(`${name}.default.svc.cluster.local A`)).toBe(NXDOMAIN);
  }
});
