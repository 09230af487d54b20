import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { dnsQueryCommand } from '../../../src/cli/dns-query.ts';
import { dnsCommand } from '../../../src/cli/dns.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { queryPacket, summary } from '../dns/cluster.ts';
import { CLUSTER } from '../dns/objects.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-dns-'));
const manifests = join(folder, 'objects.yaml');
writeFileSync(manifests, CLUSTER);
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command line; `seen` is told of everything that it says. */
async function sluice(args: readonly string[], seen: (text: string) => void = () => {}) {
  let out = '';
  let err = '';
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => {
      err += text;
      seen(text);
    },
    stdin: (async function* none() {})(),
    env: {},
    colour: false,
    errColour: false,
    errLive: false,
  };
  const exitCode = await runProgram(args, { commands: [dnsCommand, dnsQueryCommand] }, io);
  return { exitCode, out, err };
}

const query = (...args: readonly string[]) => sluice(['dns', 'query', ...args, '--manifests', manifests]);

describe('sluice dns query', () => {
  test('shows the reply, and why', async () => {
    const { exitCode, out, err } = await query('_http._tcp.web.default.svc.cluster.local', 'srv');
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
    expect(out.split('\n')).toEqual([
      ';; status: NOERROR; flags: qr aa rd; ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 2',
      ';; QUESTION SECTION:',
      ';_http._tcp.web.default.svc.cluster.local.\tIN\tSRV',
      ';; ANSWER SECTION:',
      '_http._tcp.web.default.svc.cluster.local.\t30\tIN\tSRV\t0 50 80 web.default.svc.cluster.local.',
      ';; ADDITIONAL SECTION:',
      'web.default.svc.cluster.local.\t30\tIN\tA\t10.96.0.10',
      'web.default.svc.cluster.local.\t30\tIN\tAAAA\tfd00::a',
      ';; WHY:',
      '; Service default/web: a named port of the Service (2.3.2)',
      '',
    ]);
  });

  test.each([
    [
      ['idle.default.svc.cluster.local'],
      'NXDOMAIN',
      'Service default/idle: the headless Service has no ready endpoint',
    ],
    [['10.96.0.10'], 'NOERROR', 'Service default/web: the Service that has this cluster address (2.3.3)'],
    [['7.0.244.10.in-addr.arpa', 'PTR'], 'NOERROR', 'Service default/db, default/portless: every Service'],
    [
      ['web.default.svc.cluster.local', 'TYPE65'],
      'NOERROR',
      'Service default/web: the name exists, but has no record of this type',
    ],
    [
      ['web.default.svc.cluster.local', 'ANY'],
      'NOERROR',
      'Service default/web: the name exists; a question for any type',
    ],
    [
      ['alias.default.svc.cluster.local', 'A'],
      'NOERROR',
      'Service default/alias: an alias: the Service has type ExternalName',
    ],
    [['example.org'], 'REFUSED', 'the name is in no zone of this server'],
    [
      ['10.9.9.9'],
      'REFUSED',
      'no Service and no ready endpoint has that address, and --dns-local-networks does not claim it',
    ],
    [['web.default.svc.cluster.local', '65'], 'NOERROR', 'Service default/web: the name exists, but has no record'],
    [['web.default.svc.cluster.local', 'IXFR'], 'REFUSED', 'IXFR is nothing that names have'],
    [['web.default.svc.cluster.local', 'AXFR'], 'REFUSED', 'only a whole zone of the cluster can be had with AXFR'],
    [['x.web.other.svc.cluster.local'], 'NXDOMAIN', 'there is no such namespace'],
  ])('%j: %s', async (args, status, why) => {
    const { out } = await query(...args);
    expect(out).toContain(`;; status: ${status};`);
    expect(out).toContain(`\n; ${why}`);
  });

  test.each([
    ['web', 'web.default.svc.cluster.local'],
    ['web.default', 'web.default.svc.cluster.local'],
    ['DB-0.db.default.svc', 'DB-0.db.default.svc.cluster.local'],
  ])('%s is understood as pods write it', async (name, whole) => {
    const { out } = await query(name);
    expect(out).toContain(`\n; In a pod of the namespace default the search path makes ${whole} of it, which exists\n`);
  });

  test.each(['none', 'web.', 'none.default.svc.cluster.local'])('%s is not', async (name) => {
    expect((await query(name)).out).not.toContain('search path');
  });

  test('shows a whole zone', async () => {
    const { out } = await query('cluster.local', 'AXFR');
    const lines = out.split('\n');
    expect(lines[0]).toMatch(/^cluster\.local\.\t30\tIN\tSOA\t/);
    expect(lines.slice(-4)).toEqual([lines[0], ';; WHY:', '; the start of the zone', '']);
    expect(lines).toContain('db-0.db.default.svc.cluster.local.\t30\tIN\tAAAA\tfd00:244::7');
    expect(lines.some((line) => line.endsWith('\tundefined') || line.endsWith('\t'))).toBe(false);
  });

  test('options count', async () => {
    const { out } = await query('web.default.svc.b.example', '--cluster-domain', 'b.example', '--dns-ttl', '7');
    expect(out).toContain('web.default.svc.b.example.\t7\tIN\tA\t10.96.0.10');
  });

  test.each([
    [['a..b'], '"a..b" is not a domain name'],
    [['a.b', 'NONE'], '"NONE" is not a record type'],
    [['a.b', 'TYPE65536'], '"TYPE65536" is not a record type'],
    [['a.b', 'A', '--cluster-domain', '.'], '--cluster-domain: "." is not a domain name'],
    [['a.b', 'A', 'c'], 'too many arguments'],
  ])('%j is an error', async (args, message) => {
    await expect(query(...args)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining(message),
    });
  });
});

test('sluice dns answers from manifests, follows them, says how it is, and ends', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const listening = Promise.withResolvers<{ dns: number }>();
  const free = async (): Promise<number> => {
    const probe = createSocket('udp4').bind(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address();
    probe.close();
    return port;
  };
  const [dns, status] = [await free(), await free()];
  const addresses = [
    '--listen',
    `127.0.0.1:${dns}`,
    '--dns-status-address',
    `127.0.0.1:${status}`,
    '--dns-lame-duck',
    '2s',
  ];
  const running = sluice(['dns', '--manifests', manifests, '--watch', ...addresses], (text) => {
    if (text.includes('answering')) listening.resolve({ dns });
  });
  await listening.promise;
  const ask = async (name: string): Promise<string> => {
    socket.send(queryPacket(name, 'A'), dns, '127.0.0.1');
    const [reply] = (await once(socket, 'message')) as [Buffer];
    return summary(reply);
  };
  expect(await ask('web.default.svc.cluster.local')).toContain('10.96.0.10');
  writeFileSync(manifests, CLUSTER.replaceAll('10.96.0.10', '10.96.0.77'));
  await expect.poll(() => ask('web.default.svc.cluster.local'), { timeout: 5000 }).toContain('10.96.0.77');
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${status}${path}`)).text();
  expect(await get('/health')).toBe('OK');
  expect(await get('/ready')).toBe('OK');
  expect(await get('/metrics')).toMatch(
    /^coredns_dns_requests_total\{server="dns:\/\/127\.0\.0\.1:\d+",zone="cluster\.local\."/m,
  );
  process.emit('SIGTERM', 'SIGTERM');
  expect(await get('/ready')).toBe('stopping\n');
  expect(await get('/health')).toBe('OK');
  expect(await ask('web.default.svc.cluster.local')).toContain('10.96.0.77');
  expect((await running).exitCode).toBe(0);
  socket.close();
  writeFileSync(manifests, CLUSTER);
}, 30_000);
