import { afterEach, expect, test } from 'vitest';
import { NodeDns } from '../../src/app/node-dns.ts';
import { systemClock } from '../../src/base/clock.ts';
import { flagLayer, resolveOptions } from '../../src/config/resolve.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import type { DnsChange } from '../../src/model/dns-change.ts';
import { DnsAsker } from '../support/dns-asker.ts';
import { emptyMachine, nftTables, run } from '../support/program-machine.ts';
import { recordingLog } from '../support/recording-log.ts';

const ADDRESS = '169.254.20.10';
const SOON = { timeout: 20_000, interval: 20 };

const events: string[] = [];
let dns: NodeDns | undefined;
let asker: DnsAsker | undefined;

afterEach(async () => {
  await dns?.stop();
  await asker?.stop();
  await emptyMachine();
});

test('a thread that ends is replaced by one that knows as much; meanwhile nothing is intercepted', async () => {
  await run('ip', ['link', 'set', 'lo', 'up']);
  asker = await DnsAsker.start();
  dns = await NodeDns.open({
    config: resolveOptions('run', [flagLayer({ dns: true, upstream: '127.0.0.1:9' })]),
    runner: systemRunner,
    clock: systemClock,
    log: recordingLog().log,
    onIntercepting: (isIntercepting) => void events.push(isIntercepting ? 'intercepting' : 'not intercepting'),
    onRestart: () => void events.push('restart'),
  });
  const spec = { type: 'ExternalName', externalName: '192.0.2.7.example' };
  const metadata = { namespace: 'demo', name: 'peer' };
  dns.objects([{ kind: 'Service', name: 'demo/peer', json: { apiVersion: 'v1', kind: 'Service', metadata, spec } }]);
  dns.listed();
  dns.finished();
  await expect.poll(() => events, SOON).toEqual(['intercepting']);
  const question = { protocol: 'udp', address: ADDRESS, name: 'peer.demo.svc.cluster.local', type: 'CNAME' } as const;
  expect(await asker.ask(question)).toBe('192.0.2.7.example');
  expect(await run('nft', ['list', 'set', 'ip', 'sluice-dns', 'intercepted'])).toContain(ADDRESS);
  // What no version of it could send.
  dns.server?.apply([{ kind: 'nonsense' } as unknown as DnsChange]);
  await expect.poll(() => events, SOON).toEqual(['intercepting', 'restart', 'not intercepting', 'intercepting']);
  expect(await asker.ask(question)).toBe('192.0.2.7.example');
  await dns.stop();
  dns = undefined;
  expect(await nftTables()).not.toContain('ip sluice-dns');
  expect(await run('ip', ['address', 'show', 'dev', 'lo'])).not.toContain(ADDRESS);
});
