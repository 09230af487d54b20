import { describe, expect, test } from 'vitest';
import { Packet } from '../../../src/dns/codec.ts';
import type { Forwarder, ForwardQuery } from '../../../src/dns/forward/forwarder.ts';
import { nameText } from '../../../src/dns/wire/name.ts';
import { DnsWorld, queryPacket } from './cluster.ts';

function alias(name: string, target: string): string {
  return `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { type: ExternalName, externalName: ${target} }
---
`;
}

const SVC = 'default.svc.cluster.local';
const OBJECTS = [
  alias('web-alias', `web.${SVC}`),
  alias('twice', `web-alias.${SVC}`),
  alias('missing', `none.${SVC}`),
  alias('self', `self.${SVC}`),
  alias('ping', `pong.${SVC}`),
  alias('pong', `ping.${SVC}`),
  alias('outside', 'www.example.org'),
  alias('to-outside', `outside.${SVC}`),
  ...Array.from({ length: 12 }, (_, i) => alias(`chain-${i}`, `chain-${i + 1}.${SVC}`)),
  `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: default }
spec: { clusterIP: 10.96.0.10, ports: [{ name: http, port: 80 }] }
`,
].join('');

interface Upstream {
  readonly rcode?: number;
  readonly tc?: 0 | 1;
  readonly answers?: readonly object[];
  readonly authorities?: readonly object[];
  /** Sent instead of a message. */
  readonly garbage?: Buffer;
}

/** A forwarder that says the same to every question, and remembers the questions. */
class FakeForwarder implements Forwarder {
  readonly asked: string[] = [];
  readonly #says: Upstream;
  readonly #late: boolean;

  constructor(says: Upstream, late = true) {
    this.#says = says;
    this.#late = late;
  }

  forward({ query, maxBytes, transport }: ForwardQuery): Uint8Array | Promise<Uint8Array> {
    this.asked.push(`${nameText(query.name)} ${query.type} ${transport} ${maxBytes}`);
    const { rcode = 0, tc = 0, answers = [], authorities = [], garbage } = this.#says;
    const packet = new Packet();
    Object.assign(packet.header, { id: query.id, qr: 1, ra: 1, rcode, tc });
    packet.questions.push(new Packet.Question(nameText(query.name).slice(0, -1), query.type, 1));
    packet.answers.push(...answers.map((record) => new Packet.Resource({ class: 1, ttl: 60, ...record })));
    packet.authorities.push(...authorities.map((record) => new Packet.Resource({ class: 1, ttl: 60, ...record })));
    const message = garbage ?? packet.toBuffer();
    return this.#late ? Promise.resolve(message) : message;
  }

  close(): void {
    this.asked.length = 0;
  }
}

const A = { name: 'www.example.org', type: 1, address: '192.0.2.7' };
const SOA = {
  name: 'example.org',
  type: 6,
  primary: 'ns.example.org',
  admin: 'a.example.org',
  serial: 1,
  refresh: 1,
  retry: 1,
  expiration: 1,
  minimum: 1,
};

describe('targets in the zone', () => {
  const world = new DnsWorld(OBJECTS);

  test.each([
    [
      'an address',
      'web-alias',
      'A',
      'NOERROR aa | web-alias.default.svc.CL 30 CNAME web.default.svc.CL, web.default.svc.CL 30 A 10.96.0.10',
    ],
    [
      'two steps',
      'twice',
      'A',
      'NOERROR aa | twice.default.svc.CL 30 CNAME web-alias.default.svc.CL, web-alias.default.svc.CL 30 CNAME web.default.svc.CL, web.default.svc.CL 30 A 10.96.0.10',
    ],
    [
      'no such type',
      'web-alias',
      'AAAA',
      'NOERROR aa | web-alias.default.svc.CL 30 CNAME web.default.svc.CL | CL 30 SOA',
    ],
    [
      'other types too',
      'web-alias',
      'MX',
      'NOERROR aa | web-alias.default.svc.CL 30 CNAME web.default.svc.CL | CL 30 SOA',
    ],
    ['a missing name', 'missing', 'A', 'NXDOMAIN aa | missing.default.svc.CL 30 CNAME none.default.svc.CL | CL 30 SOA'],
    ['itself', 'self', 'A', 'SERVFAIL aa | self.default.svc.CL 30 CNAME self.default.svc.CL'],
    [
      'a circle',
      'ping',
      'A',
      'SERVFAIL aa | ping.default.svc.CL 30 CNAME pong.default.svc.CL, pong.default.svc.CL 30 CNAME ping.default.svc.CL',
    ],
    ['a circle, asked for the alias', 'ping', 'CNAME', 'NOERROR aa | ping.default.svc.CL 30 CNAME pong.default.svc.CL'],
    ['nobody to ask for it', 'outside', 'A', 'NOERROR aa | outside.default.svc.CL 30 CNAME www.example.org'],
  ])('%s', async (_what, name, type, expected) => {
    expect(await world.ask(`${name}.${SVC} ${type}`)).toBe(expected);
  });

  test('a chain has an end', async () => {
    expect(await world.ask(`chain-0.${SVC} A`, { transport: 'tcp' })).toMatch(/^SERVFAIL aa \| (?:[^,]*, ){9}[^,]*$/);
  });

  test('a target that is not known yet', async () => {
    expect(await new DnsWorld(OBJECTS, { synced: false }).ask(`missing.${SVC} A`)).toMatch(/^SERVFAIL \|/);
  });
});

describe('targets elsewhere', () => {
  test.each([true, false])('alias first, then what the target is (later: %s)', async (late) => {
    const forwarder = new FakeForwarder({ answers: [A] }, late);
    const world = new DnsWorld(OBJECTS, { forwarder });
    expect(await world.ask(`to-outside.${SVC} A`)).toBe(
      'NOERROR aa ra | to-outside.default.svc.CL 30 CNAME outside.default.svc.CL, outside.default.svc.CL 30 CNAME www.example.org, www.example.org 60 A 192.0.2.7',
    );
    expect(forwarder.asked).toEqual(['www.example.org. 1 udp 65535']);
    forwarder.close();
  });

  test.each<[string, Upstream, string]>([
    [
      'aliases of theirs, compressed',
      {
        answers: [
          { name: 'www.example.org', type: 5, domain: 'x.example.org' },
          { ...A, name: 'x.example.org' },
        ],
      },
      'NOERROR aa ra | outside.default.svc.CL 30 CNAME www.example.org, www.example.org 60 CNAME x.example.org, x.example.org 60 A 192.0.2.7',
    ],
    [
      'no such name',
      { rcode: 3, authorities: [SOA] },
      'NXDOMAIN aa ra | outside.default.svc.CL 30 CNAME www.example.org | example.org 60 SOA',
    ],
    [
      'no such type',
      { authorities: [SOA] },
      'NOERROR aa ra | outside.default.svc.CL 30 CNAME www.example.org | example.org 60 SOA',
    ],
    ['nobody answers', { rcode: 2 }, 'SERVFAIL ra'],
    ['refused', { rcode: 5 }, 'SERVFAIL ra'],
    ['garbage', { garbage: Buffer.from('garbage') }, 'SERVFAIL ra'],
    [
      'truncated',
      { tc: 1, answers: [A] },
      'NOERROR aa tc ra | outside.default.svc.CL 30 CNAME www.example.org, www.example.org 60 A 192.0.2.7',
    ],
  ])('%s', async (_what, says, expected) => {
    expect(await new DnsWorld(OBJECTS, { forwarder: new FakeForwarder(says) }).ask(`outside.${SVC} A`)).toBe(expected);
  });

  test('the reply fits, TC says so, and has the OPT record', async () => {
    const answers = Array.from({ length: 60 }, (_, i) => ({ ...A, address: `192.0.2.${i}` }));
    const world = new DnsWorld(OBJECTS, { forwarder: new FakeForwarder({ answers }) });
    const reply = await world.send(queryPacket(`outside.${SVC}`, 'A', { edns: { udpBytes: 600, dnssecOk: true } }));
    expect(reply?.length).toBeLessThanOrEqual(600);
    const { header, additionals } = Packet.parse(reply ?? Buffer.alloc(0));
    expect({ tc: header.tc, opt: additionals }).toMatchObject({
      tc: 1,
      opt: [{ type: 41, class: 1232, doFlag: true }],
    });
  });

  test('names of others go to the forwarder as they are', async () => {
    const forwarder = new FakeForwarder({ answers: [A] });
    const world = new DnsWorld(OBJECTS, { forwarder });
    expect(await world.ask('www.example.org A')).toBe('NOERROR ra | www.example.org 60 A 192.0.2.7');
    expect(forwarder.asked).toEqual(['www.example.org. 1 udp 512']);
  });
});
