import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exposeCounters } from '../../../src/dns/exposition.ts';
import { word } from '../../../src/dns/wire/query.ts';
import { countedZones, DEFAULT_ZONE_SETTINGS } from '../../../src/dns/zone/settings.ts';
import { queryPacket, summary } from './cluster.ts';
import { HOST, startEmptyServer, startServer } from './started-server.ts';

const QUESTION = 'web.default.svc.cluster.local';

async function start(options: Parameters<typeof startServer>[0] = {}) {
  const server = await startServer(options);
  return { server, port: server.ports[0] ?? 0 };
}

let main: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  main = await start({ threads: 2 });
}, 30_000);
afterAll(() => main.server.stop());

async function askUdp(port: number, packet: Buffer, host: string = HOST): Promise<Buffer> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.send(packet, port, host);
    const [reply] = (await once(socket, 'message')) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
}

/** Everything that comes until the server ends the connection, message by message. */
async function messages(socket: Socket): Promise<readonly Buffer[]> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  const all = Buffer.concat(chunks);
  const found: Buffer[] = [];
  for (let at = 0; at < all.length; at += 2 + word(all, at)) found.push(all.subarray(at + 2, at + 2 + word(all, at)));
  return found;
}

function framed(packet: Buffer): Buffer {
  return Buffer.concat([Buffer.from([packet.length >> 8, packet.length & 255]), packet]);
}

describe('UDP', () => {
  test('no reply is more than it may be, so little is won by asking in the name of others', async () => {
    const addresses = Array.from({ length: 200 }, (_, i) => `\x0a\x01\0${String.fromCharCode(i)}`).join('');
    main.server.apply([
      { kind: 'Service', name: 'default/crowd', value: { kind: 'headless' } },
      {
        kind: 'EndpointSlice',
        name: 'default/crowd-1',
        value: {
          service: 'default/crowd',
          family: 'IPv4',
          addresses,
          ports: [{ name: '', protocol: 'tcp', port: 80 }],
        },
      },
    ]);
    await main.server.idle();
    const names = ['crowd.default.svc.cluster.local', 'cluster.local', 'none.cluster.local', 'example.org', '.'];
    for (const name of names) {
      for (const type of ['A', 'SRV', 'ANY', 'TXT', 'AXFR', 'NS']) {
        const plain = queryPacket(name, type);
        expect((await askUdp(main.port, plain)).length).toBeLessThanOrEqual(512);
        const large = queryPacket(name, type, { edns: { udpBytes: 65_535 } });
        expect((await askUdp(main.port, large)).length).toBeLessThanOrEqual(1232);
      }
    }
    expect(await askUdp(main.port, queryPacket(QUESTION, 'A').subarray(0, 20))).toHaveLength(12);
  });

  test('many clients of two threads', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => askUdp(main.port, queryPacket(QUESTION, 'A'))));
    expect(new Set(replies.map(summary))).toEqual(new Set(['NOERROR aa | web.default.svc.CL 30 A 10.96.0.10']));
  });

  test('IPv6', async () => {
    const { server, port } = await start({ listen: [{ host: '::1' as never, port: 0 }] });
    expect(summary(await askUdp(port, queryPacket(QUESTION, 'A'), '::1'))).toContain('10.96.0.10');
    await server.stop();
  });

  test('a client that asks too much gets no more answers, others do', async () => {
    const { server, port } = await start({ queriesPerClient: 3 });
    const [greedy, other] = [createSocket('udp4'), createSocket('udp4').bind(0, '127.0.0.2')];
    await once(other, 'listening');
    let replies = 0;
    greedy.on('message', () => replies++);
    for (let i = 0; i < 10; i++) greedy.send(queryPacket(QUESTION, 'A'), port, HOST);
    await expect.poll(() => replies).toBeGreaterThan(0);
    other.send(queryPacket(QUESTION, 'A'), port, HOST);
    await once(other, 'message');
    expect(replies).toBeLessThan(10);
    greedy.close();
    other.close();
    await server.stop();
  });

  test('a port that is taken is an error with a name', async () => {
    const taken = createSocket('udp4').bind(0, HOST);
    await once(taken, 'listening');
    const starting = startEmptyServer({ listen: [{ host: HOST as never, port: taken.address().port }] });
    await expect(starting).rejects.toMatchObject({ code: 'address-unavailable' });
    taken.close();
  });
});

describe('TCP', () => {
  test('queries one after another, in pieces, and a client that has said all', async () => {
    const socket = connect(main.port, HOST).setNoDelay();
    const done = messages(socket);
    const stream = Buffer.concat(['A', 'AAAA', 'MX'].map((type) => framed(queryPacket(QUESTION, type))));
    for (let at = 0; at < stream.length; at += 7) {
      socket.write(stream.subarray(at, at + 7));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end();
    expect((await done).map(summary)).toEqual([
      'NOERROR aa | web.default.svc.CL 30 A 10.96.0.10',
      'NOERROR aa | web.default.svc.CL 30 AAAA fd00::a',
      'NOERROR aa | | CL 30 SOA',
    ]);
  });

  test('a thousand queries at once', async () => {
    const socket = connect(main.port, HOST);
    const done = messages(socket);
    socket.end(Buffer.concat(Array.from({ length: 1000 }, () => framed(queryPacket(QUESTION, 'A')))));
    expect(await done).toHaveLength(1000);
  });

  test('what is too short to be a query ends the connection', async () => {
    const socket = connect(main.port, HOST);
    socket.write(Buffer.from([0, 3, 1, 2, 3]));
    expect(await messages(socket)).toEqual([]);
  });

  test('a query that does not come to its end is given up', async () => {
    const socket = connect(main.port, HOST);
    socket.write(Buffer.from([0, 40, 1]));
    expect(await messages(socket)).toEqual([]);
  }, 20_000);
});

describe('programs that everybody has', () => {
  const run = promisify(execFile);
  const at = () => String(main.port);

  test.each([
    [['web.default.svc.cluster.local', 'A'], '10.96.0.10\n'],
    [['+tcp', 'web.default.svc.cluster.local', 'AAAA'], 'fd00::a\n'],
    [['dns-version.cluster.local', 'TXT'], '"1.1.0"\n'],
    [['alias.default.svc.cluster.local', 'CNAME'], 'web.default.svc.cluster.local.\n'],
    [['alias.default.svc.cluster.local'], 'web.default.svc.cluster.local.\n10.96.0.10\n'],
    [['-x', '10.96.0.10'], 'web.default.svc.cluster.local.\n'],
    [['+search', '+domain=default.svc.cluster.local', '+ndots=5', 'web'], '10.96.0.10\n'],
    [['_http._tcp.web.default.svc.cluster.local', 'SRV'], '0 50 80 web.default.svc.cluster.local.\n'],
    [['web.default.svc.cluster.local', 'ANY'], '"RFC8482" ""\n'],
    [['+notcp', 'web.default.svc.cluster.local', 'ANY'], '"RFC8482" ""\n'],
  ])('dig %j', async (args, expected) => {
    expect((await run('dig', ['@127.0.0.1', '-p', at(), '+short', ...args])).stdout).toBe(expected);
  });

  test('dig says nothing against a long answer', async () => {
    const { stdout } = await run('dig', [
      '@127.0.0.1',
      '-p',
      at(),
      '+nsid',
      '+dnssec',
      `_sql._tcp.db.default.svc.cluster.local`,
      'SRV',
    ]);
    expect(stdout).toContain('flags: qr aa rd; QUERY: 1, ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 5');
    expect(stdout).toContain('; NSID: 6e 6f 64 65 2d 37 ("node-7")');
    expect(stdout).not.toMatch(/malformed|unexpected|bad|Truncated/i);
  });

  test('host', async () => {
    expect((await run('host', ['-p', at(), 'web.default.svc.cluster.local', '127.0.0.1'])).stdout).toMatch(
      /has address 10\.96\.0\.10\n.*has IPv6 address fd00::a\n$/,
    );
  });

  test('nslookup', async () => {
    const { stdout } = await run('nslookup', [`-port=${at()}`, 'db-0.db.default.svc.cluster.local', '127.0.0.1']);
    expect(stdout).toMatch(/Address: 10\.244\.0\.7\n[^]*Address: fd00:244::7\n/);
  });
});

test('a change is answered from', async () => {
  main.server.apply([
    {
      kind: 'Service',
      name: 'default/new',
      value: { kind: 'cluster', addresses: ['\x0a\x60\x01\x01'], ports: [], programmed: true },
    },
  ]);
  await main.server.idle();
  expect(summary(await askUdp(main.port, queryPacket('new.default.svc.cluster.local', 'A')))).toContain('10.96.1.1');
  main.server.apply([{ kind: 'Service', name: 'default/new', value: undefined }]);
  await main.server.idle();
  expect(summary(await askUdp(main.port, queryPacket('new.default.svc.cluster.local', 'A')))).toMatch(/^NXDOMAIN/);
});

test('what was asked is counted under the names of CoreDNS', async () => {
  const { server, port } = await start();
  await askUdp(port, queryPacket(QUESTION, 'A', { edns: { dnssecOk: true } }));
  await askUdp(port, queryPacket('none.cluster.local', 'TYPE65'));
  await askUdp(port, queryPacket('example.org', 'TYPE1234'));
  // A query is counted after its reply is sent, so the client may be faster.
  const lines = (): readonly string[] =>
    exposeCounters({
      counters: server.counters,
      zones: countedZones(DEFAULT_ZONE_SETTINGS),
      server: 'dns://:53',
    }).split('\n');
  const labels = 'server="dns://:53",zone="cluster.local.",view=""';
  await expect
    .poll(lines)
    .toEqual(
      expect.arrayContaining([
        `coredns_dns_requests_total{${labels},proto="udp",family="1",type="A"} 1`,
        `coredns_dns_requests_total{${labels},proto="udp",family="1",type="HTTPS"} 1`,
        'coredns_dns_requests_total{server="dns://:53",zone=".",view="",proto="udp",family="1",type="other"} 1',
        `coredns_dns_responses_total{${labels},rcode="NXDOMAIN",plugin="kubernetes"} 1`,
        'coredns_dns_responses_total{server="dns://:53",zone=".",view="",rcode="REFUSED",plugin="forward"} 1',
        `coredns_dns_do_requests_total{${labels}} 1`,
        `coredns_dns_request_size_bytes_bucket{${labels},proto="udp",le="0"} 0`,
        `coredns_dns_request_size_bytes_count{${labels},proto="udp"} 2`,
        `coredns_dns_request_duration_seconds_bucket{${labels},le="+Inf"} 2`,
      ]),
    );
  await server.stop();
});
