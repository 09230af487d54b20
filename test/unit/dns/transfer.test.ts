import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { DEFAULT_ZONE_SETTINGS } from '../../../src/dns/zone/settings.ts';
import type { DnsChange } from '../../../src/model/dns-change.ts';
import { DnsWorld, queryPacket, summary } from './cluster.ts';
import { CLUSTER } from './objects.ts';
import { HOST, startServer } from './started-server.ts';

const run = promisify(execFile);

async function start(transferTo: readonly string[], changes?: readonly DnsChange[]) {
  const zone = {
    ...DEFAULT_ZONE_SETTINGS,
    localNetworks: ['10.96.0.0/16' as never],
    nameServers: ['192.0.2.1' as never],
  };
  const server = await startServer({ transferTo: transferTo as never, zone }, changes);
  onTestFinished(() => server.stop());
  const port = server.ports[0] ?? 0;
  const dig = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await run('dig', [`@${HOST}`, '-p', String(port), ...args], { maxBuffer: 100_000_000 });
    return stdout.split('\n').filter((line) => line !== '' && !/^;(?! Transfer failed|; WARNING)/.test(line));
  };
  return { port, dig };
}

/** Owner, type and data, without blanks that only please the eye. */
function records(lines: readonly string[]): readonly string[] {
  return lines.map((line) => line.replace(/^(\S+)\s+\d+\s+IN\s+/, '$1 ').replace(/\s+/g, ' '));
}

test('who may have the zone gets all of it, each record as it is told by name', async () => {
  const { dig } = await start(['127.0.0.0/8']);
  const found = records(await dig('cluster.local', 'AXFR'));
  expect([found[0], found.at(-1)]).toEqual([
    expect.stringMatching(/^cluster\.local\. SOA ns\.dns\.cluster\.local\. /),
    found[0],
  ]);
  expect(found.slice(1, 4)).toEqual([
    'cluster.local. NS ns.dns.cluster.local.',
    'dns-version.cluster.local. TXT "1.1.0"',
    'ns.dns.cluster.local. A 192.0.2.1',
  ]);
  const owners = new Set(found.map((line) => line.split(' ')[0]));
  expect([...owners].filter((name) => name?.includes('.default.'))).toEqual(
    [
      'web _http._tcp.web _dns._udp.web 10-244-0-5.web plain other-proxy',
      'db _sql._tcp.db db-0.db 10-244-0-8.db fd00-244--0.db portless db-0.portless alias',
    ]
      .flatMap((line) => line.split(' '))
      .map((name) => `${name}.default.svc.cluster.local.`),
  );
  const questions = new Set(found.slice(1, -1).map((line) => line.split(' ', 2).join(' ')));
  const each = [...questions].flatMap((question) => question.split(' '));
  const asked = records(await dig('+noall', '+answer', '+tcp', ...each));
  expect(asked.toSorted()).toEqual(found.slice(1, -1).toSorted());
});

test.each([
  ['nobody may unless it is said', [], ['cluster.local', 'AXFR']],
  ['others may not', ['192.0.2.0/24'], ['cluster.local', 'AXFR']],
  ['no part of a zone', ['127.0.0.1/32'], ['default.svc.cluster.local', 'AXFR']],
  ['no zone of others', ['127.0.0.1/32'], ['example.org', 'AXFR']],
  ['no reverse zone', ['127.0.0.1/32'], ['96.10.in-addr.arpa', 'AXFR']],
  ['no differences', ['127.0.0.1/32'], ['cluster.local', 'IXFR=1']],
] as const)('%s', async (_what, transferTo, args) => {
  const { dig } = await start(transferTo);
  const lines = await dig(...args).catch((thrown: { stdout: string }) => thrown.stdout.split('\n'));
  expect(lines.join('\n')).toContain('; Transfer failed');
});

test('not over UDP', async () => {
  const world = new DnsWorld(CLUSTER, { transferTo: ['10.0.0.0/8'] });
  expect(await world.ask('cluster.local AXFR')).toBe('REFUSED');
});

test('not before everything is known', async () => {
  const world = new DnsWorld(CLUSTER, { synced: false, transferTo: ['10.0.0.0/8'] });
  expect(await world.ask('cluster.local AXFR', { transport: 'tcp' })).toBe('SERVFAIL');
});

test('queries of others are answered meanwhile', async () => {
  const services = Array.from({ length: 5000 }, (_, i): DnsChange => {
    const addresses = [`\x0a\x60${String.fromCharCode(i >> 8, i & 255)}`];
    const ports = [{ name: 'http', protocol: 'tcp', port: 80 }] as const;
    return { kind: 'Service', name: `many/s${i}`, value: { kind: 'cluster', addresses, ports, programmed: false } };
  });
  const { dig, port } = await start(['127.0.0.1/32'], services);
  const socket = createSocket('udp4');
  let answered = 0;
  const ended = new AbortController();
  const transfer = dig('cluster.local', 'AXFR').finally(() => ended.abort());
  while (!ended.signal.aborted) {
    socket.send(queryPacket('s1.many.svc.cluster.local', 'A'), port, HOST);
    const [reply] = (await once(socket, 'message')) as [Buffer];
    expect(summary(reply)).toContain('10.96.0.1');
    answered++;
  }
  socket.close();
  // Address, the two SRV records, and what is not of a Service.
  expect(await transfer).toHaveLength(3 * 5000 + 5);
  expect(answered).toBeGreaterThan(20);
});
