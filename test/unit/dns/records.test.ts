import { describe, expect, test } from 'vitest';
import { DnsWorld } from './cluster.ts';
import { CLUSTER } from './objects.ts';

const SOA = 'CL 30 SOA';
const world = new DnsWorld(CLUSTER);

describe('records', () => {
  test.each([
    ['R1 schema version', 'dns-version.cluster.local TXT', 'dns-version.CL 28800 TXT 1.1.0'],
    ['R2 cluster address', 'web.default.svc.cluster.local A', 'web.default.svc.CL 30 A 10.96.0.10'],
    ['R3 cluster address', 'web.default.svc.cluster.local AAAA', 'web.default.svc.CL 30 AAAA fd00::a'],
    ['of another proxy', 'other-proxy.default.svc.cluster.local A', 'other-proxy.default.svc.CL 30 A 10.96.0.12'],
    ['names that are words of DNS', '0svc.svc.svc.cluster.local A', '0svc.svc.svc.CL 30 A 10.96.0.13'],
    [
      'R4 named port',
      '_http._tcp.web.default.svc.cluster.local SRV',
      '_http._tcp.web.default.svc.CL 30 SRV 0 50 80 web.default.svc.CL | | web.default.svc.CL 30 A 10.96.0.10, web.default.svc.CL 30 AAAA fd00::a',
    ],
    [
      'R4 the protocol counts',
      '_dns._udp.web.default.svc.cluster.local SRV',
      '_dns._udp.web.default.svc.CL 30 SRV 0 50 53 web.default.svc.CL | | web.default.svc.CL 30 A 10.96.0.10, web.default.svc.CL 30 AAAA fd00::a',
    ],
    ['R5 IPv4', '10.0.96.10.in-addr.arpa PTR', '10.0.96.10.in-addr.arpa 30 PTR web.default.svc.CL'],
    [
      'R5 IPv6',
      'a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa PTR',
      'a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa 30 PTR web.default.svc.CL',
    ],
    [
      'R6 ready endpoints, each once',
      'db.default.svc.cluster.local A',
      'db.default.svc.CL 5 A 10.244.0.7, db.default.svc.CL 5 A 10.244.0.8',
    ],
    [
      'R6 IPv6',
      'db.default.svc.cluster.local AAAA',
      'db.default.svc.CL 5 AAAA fd00:244::7, db.default.svc.CL 5 AAAA fd00:244::',
    ],
    ['R7 hostname', 'db-0.db.default.svc.cluster.local A', 'db-0.db.default.svc.CL 5 A 10.244.0.7'],
    ['R7 the other family', 'db-0.db.default.svc.cluster.local AAAA', 'db-0.db.default.svc.CL 5 AAAA fd00:244::7'],
    ['R7 dashed address', '10-244-0-8.db.default.svc.cluster.local A', '10-244-0-8.db.default.svc.CL 5 A 10.244.0.8'],
    [
      'R7 dash at the end',
      'fd00-244--0.db.default.svc.cluster.local AAAA',
      'fd00-244--0.db.default.svc.CL 5 AAAA fd00:244::',
    ],
    [
      'R7 another spelling',
      'fd00-244-0-0-0-0-0-0.db.default.svc.cluster.local AAAA',
      'fd00-244-0-0-0-0-0-0.db.default.svc.CL 5 AAAA fd00:244::',
    ],
    [
      'R8 ports of the slices; the duplicate does not count',
      '_sql._tcp.db.default.svc.cluster.local SRV',
      [
        '_sql._tcp.db.default.svc.CL 5 SRV 0 25 5432 db-0.db.default.svc.CL, _sql._tcp.db.default.svc.CL 5 SRV 0 25 5432 10-244-0-8.db.default.svc.CL, _sql._tcp.db.default.svc.CL 5 SRV 0 25 5432 fd00-244--0.db.default.svc.CL',
        '',
        'db-0.db.default.svc.CL 5 A 10.244.0.7, 10-244-0-8.db.default.svc.CL 5 A 10.244.0.8, db-0.db.default.svc.CL 5 AAAA fd00:244::7, fd00-244--0.db.default.svc.CL 5 AAAA fd00:244::',
      ]
        .join(' | ')
        .replaceAll('|  |', '| |'),
    ],
    [
      'R9 one per Service that has the address',
      '7.0.244.10.in-addr.arpa PTR',
      '7.0.244.10.in-addr.arpa 5 PTR db-0.db.default.svc.CL, 7.0.244.10.in-addr.arpa 5 PTR db-0.portless.default.svc.CL',
    ],
    ['R9 of any Service', '5.0.244.10.in-addr.arpa PTR', '5.0.244.10.in-addr.arpa 5 PTR 10-244-0-5.web.default.svc.CL'],
    ['R10 the alias', 'alias.default.svc.cluster.local CNAME', 'alias.default.svc.CL 30 CNAME web.default.svc.CL'],
    ['R11 pod', '1-2-3-4.default.pod.cluster.local A', '1-2-3-4.default.pod.CL 30 A 1.2.3.4'],
    ['R11 pod, IPv6', 'fd00--1.bare.pod.cluster.local AAAA', 'fd00--1.bare.pod.CL 30 AAAA fd00::1'],
    ['R12', 'cluster.local SOA', SOA],
    [
      'R15 endpoint of a Service with an address',
      '10-244-0-5.web.default.svc.cluster.local A',
      '10-244-0-5.web.default.svc.CL 5 A 10.244.0.5',
    ],
    [
      'R15 its ports',
      '10-244-0-5.web.default.svc.cluster.local SRV',
      '10-244-0-5.web.default.svc.CL 5 SRV 0 100 8080 10-244-0-5.web.default.svc.CL | | 10-244-0-5.web.default.svc.CL 5 A 10.244.0.5',
    ],
    [
      'R16 all ports',
      'plain.default.svc.cluster.local SRV',
      'plain.default.svc.CL 30 SRV 0 100 443 plain.default.svc.CL | | plain.default.svc.CL 30 A 10.96.0.11',
    ],
    [
      'ANY is as short as can be',
      'web.default.svc.cluster.local ANY',
      `web.default.svc.CL 8482 HINFO ${Buffer.from('\x07RFC8482\0').toString('hex')}`,
    ],
    ['ANY of an alias', 'alias.default.svc.cluster.local ANY', 'alias.default.svc.CL 30 CNAME web.default.svc.CL'],
  ])('%s: %s', async (_what, question, expected) => {
    expect(await new DnsWorld(CLUSTER).ask(question, { transport: 'tcp' })).toBe(`NOERROR aa | ${expected}`);
  });

  test('the answer has the case of the question, the target has not', async () => {
    expect(await world.ask('_HTTP._Tcp.wEb.DEFAULT.svc.Cluster.LOCAL SRV')).toBe(
      'NOERROR aa | _HTTP._Tcp.wEb.DEFAULT.svc.Cluster.LOCAL 30 SRV 0 50 80 web.default.svc.CL | | ' +
        'wEb.DEFAULT.svc.Cluster.LOCAL 30 A 10.96.0.10, wEb.DEFAULT.svc.Cluster.LOCAL 30 AAAA fd00::a',
    );
    expect(await world.ask('nO.Cluster.LOCAL A')).toBe('NXDOMAIN aa | | Cluster.LOCAL 30 SOA');
  });
});

describe('names that exist without such a record: NODATA', () => {
  test.each([
    ...['A', 'AAAA', 'SRV', 'TXT', 'MX'].map((type) => `cluster.local ${type}`),
    ...['svc', 'pod', 'default.svc', 'bare.svc', 'bare.pod', 'dns'].flatMap((name) => [
      `${name}.cluster.local A`,
      `${name}.cluster.local TXT`,
    ]),
    'dns-version.cluster.local A',
    'ns.dns.cluster.local MX',
    '_tcp.web.default.svc.cluster.local A',
    '_udp.web.default.svc.cluster.local SRV',
    '_tcp.db.default.svc.cluster.local A',
    '_http._tcp.web.default.svc.cluster.local A',
    'plain.default.svc.cluster.local AAAA',
    ...['MX', 'TYPE65', 'TYPE43', 'NS', 'SOA', 'PTR', 'TYPE0'].map((type) => `web.default.svc.cluster.local ${type}`),
    'portless.default.svc.cluster.local SRV',
    'portless.default.svc.cluster.local AAAA',
    'db-0.db.default.svc.cluster.local MX',
    '1-2-3-4.default.pod.cluster.local AAAA',
    '1-2-3-4.default.pod.cluster.local SRV',
  ])('%s', async (question) => {
    expect(await world.ask(question)).toBe(`NOERROR aa | | ${SOA}`);
  });

  test('a reverse name asked for something else', async () => {
    expect(await world.ask('10.0.96.10.in-addr.arpa A')).toBe('NOERROR aa | | in-addr.arpa 30 SOA');
  });
});

describe('names that do not exist: NXDOMAIN', () => {
  test.each([
    'foo.cluster.local A',
    'x.dns-version.cluster.local TXT',
    'x.dns.cluster.local A',
    'x.ns.dns.cluster.local A',
    'none.svc.cluster.local A',
    'none.pod.cluster.local A',
    'none.default.svc.cluster.local A',
    'gone.default.svc.cluster.local A',
    'web.none.svc.cluster.local A',
    'idle.default.svc.cluster.local A',
    'idle.default.svc.cluster.local SRV',
    '_sql._tcp.idle.default.svc.cluster.local SRV',
    '_http._udp.web.default.svc.cluster.local SRV',
    '_none._tcp.web.default.svc.cluster.local SRV',
    'http.tcp.web.default.svc.cluster.local SRV',
    '_sctp.web.default.svc.cluster.local A',
    '_tcp.plain.default.svc.cluster.local A',
    '_x._tcp.portless.default.svc.cluster.local SRV',
    '10-244-0-6.web.default.svc.cluster.local A',
    '10-244-0-7.db.default.svc.cluster.local A',
    'none.db.default.svc.cluster.local A',
    'x.db-0.db.default.svc.cluster.local A',
    '_sql._tcp.db-0.db.default.svc.cluster.local SRV',
    'a._sql._tcp.db.default.svc.cluster.local SRV',
    'x.alias.default.svc.cluster.local A',
    '_http._tcp.alias.default.svc.cluster.local SRV',
    'literal.default.svc.cluster.local A',
    '1-2-3.default.pod.cluster.local A',
    '1-2-3-256.default.pod.cluster.local A',
    '01-2-3-4.default.pod.cluster.local A',
    'x.1-2-3-4.default.pod.cluster.local A',
    '1-2-3-4.none.pod.cluster.local A',
  ])('%s', async (question) => {
    expect(await world.ask(question)).toBe(`NXDOMAIN aa | | ${SOA}`);
  });

  test.each([
    ['a dot in a label', '\x0bweb.default\x03svc\x07cluster\x05local\0'],
    ['a zero octet', '\x04web\0\x07default\x03svc\x07cluster\x05local\0'],
    ['eight bits', '\x04web\xff\x07default\x03svc\x07cluster\x05local\0'],
  ])('%s', (_what, name) => {
    expect(world.zone.find(name, 1).kind).toMatch(/missing|empty/);
    expect(world.zone.find(name, 1)).not.toHaveProperty('answer');
  });
});

describe('names of others: REFUSED, as nobody looks them up here', () => {
  test.each([
    'example.org A',
    'local A',
    'mycluster.local A',
    '. NS',
    '1.2.3.4.in-addr.arpa PTR',
    '96.10.in-addr.arpa PTR',
    'in-addr.arpa SOA',
    '99.0.244.10.in-addr.arpa PTR',
    '6.0.244.10.in-addr.arpa PTR',
    'x.10.0.96.10.in-addr.arpa PTR',
    '010.0.96.10.in-addr.arpa PTR',
  ])('%s', async (question) => expect(await world.ask(question)).toBe('REFUSED'));
});

describe("reverse zones of the cluster's own networks are answered for", () => {
  const zone = { localNetworks: ['10.96.0.0/15', '10.244.0.0/16', 'fd00::/8'] as never };
  const local = new DnsWorld(CLUSTER, { zone });
  test.each([
    ['96.10.in-addr.arpa SOA', 'NOERROR aa | 96.10.in-addr.arpa 30 SOA'],
    ['97.10.in-addr.arpa SOA', 'NOERROR aa | 97.10.in-addr.arpa 30 SOA'],
    ['d.f.ip6.arpa SOA', 'NOERROR aa | d.f.ip6.arpa 30 SOA'],
    ['96.10.in-addr.arpa PTR', 'NOERROR aa | | 96.10.in-addr.arpa 30 SOA'],
    ['0.96.10.in-addr.arpa PTR', 'NOERROR aa | | 96.10.in-addr.arpa 30 SOA'],
    ['1.0.0.d.f.ip6.arpa PTR', 'NOERROR aa | | d.f.ip6.arpa 30 SOA'],
    ['99.0.96.10.in-addr.arpa PTR', 'NXDOMAIN aa | | 96.10.in-addr.arpa 30 SOA'],
    ['010.96.10.in-addr.arpa PTR', 'NXDOMAIN aa | | 96.10.in-addr.arpa 30 SOA'],
    ['x.10.0.96.10.in-addr.arpa PTR', 'NXDOMAIN aa | | 96.10.in-addr.arpa 30 SOA'],
    ['10.0.96.10.in-addr.arpa PTR', '10.0.96.10.in-addr.arpa 30 PTR web.default.svc.CL'],
    ['10.0.96.10.in-addr.arpa A', 'NOERROR aa | | 96.10.in-addr.arpa 30 SOA'],
    ['98.10.in-addr.arpa SOA', 'REFUSED'],
    ['in-addr.arpa SOA', 'REFUSED'],
    ['10.in-addr.arpa PTR', 'REFUSED'],
  ])('%s', async (question, expected) => expect(await local.ask(question)).toContain(expected));
});
