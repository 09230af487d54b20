import { describe, expect, test } from 'vitest';
import { Packet } from '../../../src/dns/codec.ts';
import { word } from '../../../src/dns/wire/query.ts';
import { DnsWorld, queryPacket, summary, SERIAL } from './cluster.ts';

/** A headless Service with so many endpoints, 10.1.0.0 onwards. */
function headless(endpoints: number, zone = ''): string {
  const list = Array.from({ length: endpoints }, (_, i) => `{ addresses: [10.1.${i >> 8}.${i & 255}]${zone} }`);
  return `
apiVersion: v1
kind: Service
metadata: { name: many, namespace: default }
spec: { clusterIP: None, ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: many-1, namespace: default, labels: { kubernetes.io/service-name: many } }
addressType: IPv4
ports: [{ name: http, port: 80 }]
endpoints: [${list.join(', ')}]
`;
}

const WEB = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 80 }] }
`;
const QUESTION = 'web.default.svc.cluster.local';
const MANY = 'many.default.svc.cluster.local';

const world = new DnsWorld(WEB);

async function replyTo(target: DnsWorld, packet: Buffer, transport: 'udp' | 'tcp' = 'udp'): Promise<Buffer> {
  const reply = await target.send(packet, transport);
  if (reply === undefined) throw new Error('no reply');
  return reply;
}

describe('header', () => {
  test('RD and CD come back, AD and Z do not, id and question do', async () => {
    const query = queryPacket(QUESTION, 'A', { flags: 0x01_70 });
    const reply = await replyTo(world, query);
    expect(word(reply, 0)).toBe(0x12_34);
    expect(word(reply, 2).toString(16)).toBe('8510');
    expect(reply.subarray(12, query.length)).toEqual(query.subarray(12));
  });

  test('recursion is available when others are asked', async () => {
    const recursive = new DnsWorld(WEB, { reply: { recursion: true } });
    expect(await recursive.ask(`${QUESTION} A`)).toMatch(/^NOERROR aa ra /);
  });

  test.each([
    ['less than a header', Buffer.alloc(11)],
    ['a response', queryPacket(QUESTION, 'A', { flags: 0x80_00 })],
  ])('%s gets no reply', async (_what, packet) => expect(await world.send(packet)).toBeUndefined());

  test.each([
    ['NOTIFY', 0x20_00, '1234a0040000'],
    ['UPDATE', 0x28_00, '1234a8040000'],
    ['IQUERY with RD', 0x09_00, '123489040000'],
  ])('%s: NOTIMP, the header alone', async (_what, flags, start) => {
    const reply = await replyTo(world, queryPacket(QUESTION, 'A', { flags }));
    expect(reply).toHaveLength(12);
    expect(reply.subarray(0, 6).toString('hex')).toBe(start);
  });

  test('a question that cannot be read: FORMERR, the header alone', async () => {
    const reply = await replyTo(world, queryPacket(QUESTION, 'A').subarray(0, 20));
    expect(reply.toString('hex')).toBe('123481010000000000000000');
  });

  test.each([
    ['class CH', { class: 3 }, 'A', 'REFUSED'],
    ['class ANY', { class: 255 }, 'A', 'REFUSED'],
    ['AXFR', {}, 'AXFR', 'REFUSED'],
    ['IXFR', {}, 'IXFR', 'REFUSED'],
    ['TKEY', {}, 'TKEY', 'REFUSED'],
    ['OPT as a question', {}, 'OPT', 'FORMERR'],
  ])('%s', async (_what, options, type, rcode) =>
    expect(await world.ask(`cluster.local ${type}`, options)).toBe(rcode),
  );
});

describe('EDNS', () => {
  const optOf = (reply: Buffer) => Packet.parse(reply).additionals.find(({ type }) => type === 41);

  test('no OPT without OPT', async () => {
    expect(optOf(await replyTo(world, queryPacket(QUESTION, 'A')))).toBeUndefined();
  });

  test('our size, the DO bit of the client, no unknown options', async () => {
    const edns = { udpBytes: 4096, dnssecOk: true, options: '\0\x0a\0\x08abcdefgh\0\x08\0\x04\0\x01\0\0' };
    const reply = await replyTo(world, queryPacket(QUESTION, 'A', { edns }));
    expect(optOf(reply)).toMatchObject({ class: 1232, version: 0, doFlag: true, rdata: [] });
  });

  test('another version: BADVERS', async () => {
    const reply = await replyTo(world, queryPacket(QUESTION, 'A', { edns: { version: 1 } }));
    expect(reply.subarray(-11).toString('hex')).toBe('00002904d0010000000000');
    expect(word(reply, 2) & 15).toBe(0);
    expect(word(reply, 6)).toBe(0);
  });

  test('NSID for those who ask', async () => {
    const named = new DnsWorld(WEB, { reply: { nsid: 'node-1' } });
    const asked = await replyTo(named, queryPacket(QUESTION, 'A', { edns: { options: '\0\x03\0\0' } }));
    expect(asked.subarray(-10).toString('latin1')).toBe('\0\x03\0\x06node-1');
    expect(await replyTo(named, queryPacket(QUESTION, 'A', { edns: {} }))).toHaveLength(asked.length - 10);
  });

  test('why a name is refused', async () => {
    const reply = await replyTo(world, queryPacket('example.org', 'A', { edns: {} }));
    expect(optOf(reply)?.rdata).toEqual([expect.objectContaining({ ednsCode: 15, infoCode: 20 })]);
  });
});

describe('size', () => {
  const many = new DnsWorld(headless(200));

  test.each([
    ['no OPT: 512', undefined, 512],
    ['OPT below 512 is 512', { udpBytes: 100 }, 512],
    ['what the client takes', { udpBytes: 800 }, 800],
    ['at most ours', { udpBytes: 4096 }, 1232],
  ])('%s', async (_what, edns, limit) => {
    const reply = await replyTo(many, queryPacket(MANY, 'A', edns === undefined ? {} : { edns }));
    expect(reply.length).toBeLessThanOrEqual(limit);
    expect(reply.length).toBeGreaterThan(limit - 16);
    expect(summary(reply)).toMatch(/^NOERROR aa tc /);
    expect(Packet.parse(reply).additionals).toHaveLength(edns === undefined ? 0 : 1);
  });

  test('everything over TCP', async () => {
    const reply = await replyTo(many, queryPacket(MANY, 'A'), 'tcp');
    expect(new Set(Packet.parse(reply).answers.map(({ address }) => address)).size).toBe(200);
    expect(summary(reply)).toMatch(/^NOERROR aa \|/);
  });

  test('every reply begins with another record, truncated or not, and has each once', async () => {
    const firsts = new Set<string | undefined>();
    for (let i = 0; i < 200; i++) {
      const { answers } = Packet.parse(await replyTo(many, queryPacket(MANY, 'A')));
      expect(new Set(answers.map(({ address }) => address)).size).toBe(answers.length);
      firsts.add(answers[0]?.address);
    }
    expect(firsts.size).toBe(200);
  });

  test('additional records go without a word', async () => {
    const few = new DnsWorld(headless(15));
    const reply = await replyTo(few, queryPacket(`_http._tcp.${MANY}`, 'SRV', { edns: { udpBytes: 1232 } }));
    const { answers, additionals, header } = Packet.parse(reply);
    expect({ answers: answers.length, tc: header.tc }).toEqual({ answers: 15, tc: 0 });
    expect(additionals.length).toBeGreaterThan(1);
    expect(additionals.length).toBeLessThan(16);
    expect(reply.length).toBeLessThanOrEqual(1232);
  });

  test('targets of SRV are not compressed', async () => {
    const few = new DnsWorld(headless(2));
    const reply = await replyTo(few, queryPacket(`_http._tcp.${MANY}`, 'SRV'));
    expect(reply.toString('latin1').split('\x04many\x07default\x03svc\x07cluster\x05local\0')).toHaveLength(4);
  });

  test('more than TCP can carry is truncated too', async () => {
    const huge = new DnsWorld(headless(5000));
    const reply = await replyTo(huge, queryPacket(MANY, 'A'), 'tcp');
    expect(reply.length).toBeLessThanOrEqual(65_535);
    expect(word(reply, 2) & 0x02_00).not.toBe(0);
  });
});

describe('the zone', () => {
  test('before everything is known, what is not known is not denied', async () => {
    const starting = new DnsWorld(WEB, { synced: false });
    expect(await starting.ask(`${QUESTION} A`)).toMatch(/^NOERROR aa /);
    expect(await starting.ask('cluster.local SOA')).toMatch(/^NOERROR aa /);
    expect(await starting.ask('dns-version.cluster.local TXT')).toMatch(/^NOERROR aa /);
    const reply = await replyTo(starting, queryPacket('none.default.svc.cluster.local', 'A', { edns: {} }));
    expect(summary(reply)).toBe('SERVFAIL');
    expect(Packet.parse(reply).additionals[0]?.rdata).toEqual([expect.objectContaining({ infoCode: 14 })]);
  });

  test('SOA', async () => {
    const [soa] = Packet.parse(await replyTo(world, queryPacket('CLUSTER.local', 'SOA'))).answers;
    expect(soa).toMatchObject({
      name: 'CLUSTER.local',
      ttl: 30,
      primary: 'ns.dns.cluster.local',
      admin: 'hostmaster.cluster.local',
      serial: SERIAL,
      refresh: 7200,
      retry: 1800,
      expiration: 86_400,
      minimum: 30,
    });
  });

  test('a long TTL is not that of a denial', async () => {
    const slow = new DnsWorld(WEB, { zone: { ttlS: 3600 } });
    expect(await slow.ask('none.cluster.local A')).toBe('NXDOMAIN aa | | CL 300 SOA');
  });

  test('NS is cluster DNS, with its address', async () => {
    const clusterDns = WEB.replace('name: web', 'name: kube-dns').replace('default', 'kube-system');
    expect(await new DnsWorld(clusterDns).ask('cluster.local NS')).toBe(
      'NOERROR aa | CL 30 NS kube-dns.kube-system.svc.CL | | kube-dns.kube-system.svc.CL 30 A 10.96.0.10',
    );
  });

  test('NS is this server where there is no such Service', async () => {
    const named = new DnsWorld(WEB, { zone: { nameServers: ['169.254.20.10' as never] } });
    expect(await named.ask('cluster.local NS')).toBe(
      'NOERROR aa | CL 30 NS ns.dns.CL | | ns.dns.CL 30 A 169.254.20.10',
    );
    expect(await named.ask('ns.dns.cluster.local A')).toBe('NOERROR aa | ns.dns.CL 30 A 169.254.20.10');
    expect(await world.ask('cluster.local NS')).toBe('NOERROR aa | | CL 30 SOA');
  });

  test('several zones; the longest counts, reverse lookups lead to the first', async () => {
    const zones = new DnsWorld(WEB, { zone: { zones: ['cluster.local', 'sub.cluster.local', 'k8s.example'] } });
    expect(await zones.ask('web.default.svc.k8s.example A')).toBe(
      'NOERROR aa | web.default.svc.k8s.example 30 A 10.96.0.10',
    );
    expect(await zones.ask('_http._tcp.web.default.svc.k8s.example SRV')).toContain(' 80 web.default.svc.k8s.example');
    expect(await zones.ask('_http._tcp.web.default.svc.cluster.local SRV')).toContain(' 80 web.default.svc.CL');
    expect(await zones.ask('none.sub.cluster.local A')).toBe('NXDOMAIN aa | | sub.CL 30 SOA');
    expect(await zones.ask('web.default.svc.sub.cluster.local A')).toContain('10.96.0.10');
    expect(await zones.ask('10.0.96.10.in-addr.arpa PTR')).toContain(' web.default.svc.CL');
  });

  test('unknown addresses of the cluster do not exist, others are not ours', async () => {
    const local = new DnsWorld(WEB, { zone: { localNetworks: ['10.96.0.0/12' as never] } });
    expect(await local.ask('9.0.96.10.in-addr.arpa PTR')).toBe('NXDOMAIN aa | | 96.10.in-addr.arpa 30 SOA');
    expect(await local.ask('9.0.0.192.in-addr.arpa PTR')).toBe('REFUSED');
  });

  const POD = `
apiVersion: v1
kind: Pod
metadata: { name: p, namespace: default }
status: { podIPs: [{ ip: 10.244.0.5 }, { ip: "fd00::5" }] }
`;

  test('verified pods', async () => {
    const verified = new DnsWorld(`${WEB}---${POD}`, { zone: { pods: 'verified' } });
    expect(await verified.ask('10-244-0-5.default.pod.cluster.local A')).toContain(' A 10.244.0.5');
    expect(await verified.ask('fd00--5.default.pod.cluster.local AAAA')).toContain(' AAAA fd00::5');
    expect(await verified.ask('10-244-0-6.default.pod.cluster.local A')).toMatch(/^NXDOMAIN/);
    verified.zone.apply([{ kind: 'Pod', name: 'default/p', value: undefined }], SERIAL);
    expect(await verified.ask('10-244-0-5.default.pod.cluster.local A')).toMatch(/^NXDOMAIN/);
  });

  test('no pods', async () => {
    const disabled = new DnsWorld(WEB, { zone: { pods: 'disabled' } });
    expect(await disabled.ask('10-244-0-5.default.pod.cluster.local A')).toMatch(/^NXDOMAIN/);
    expect(await disabled.ask('default.pod.cluster.local A')).toMatch(/^NXDOMAIN/);
    expect(await disabled.ask('pod.cluster.local A')).toMatch(/^NOERROR aa \| \|/);
  });

  test('a name waits for its rules, and goes with its Service', async () => {
    const gated = new DnsWorld(`${WEB}---${headless(1)}`, { zone: { gated: true } });
    const programmed = (value: readonly string[] | undefined) =>
      gated.zone.apply([{ kind: 'Programmed', name: 'default/web', value }], SERIAL);
    expect(await gated.ask(`${QUESTION} A`)).toMatch(/^NXDOMAIN/);
    expect(await gated.ask('10.0.96.10.in-addr.arpa PTR')).toBe('REFUSED');
    expect(await gated.ask(`${MANY} A`)).toMatch(/^NOERROR aa \| m/);
    programmed(['\x0a\x60\0\x0b']);
    expect(await gated.ask(`${QUESTION} A`)).toMatch(/^NXDOMAIN/);
    programmed(['\x0a\x60\0\x0a']);
    expect(await gated.ask(`${QUESTION} A`)).toContain('10.96.0.10');
    expect(await gated.ask('10.0.96.10.in-addr.arpa PTR')).toContain('web.default');
    gated.zone.apply([{ kind: 'Service', name: 'default/web', value: undefined }], SERIAL);
    expect(await gated.ask(`${QUESTION} A`)).toMatch(/^NXDOMAIN/);
  });
});
