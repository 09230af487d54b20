import { createSocket } from 'node:dgram';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OwnProcesses } from '../../src/kernel/own-processes.ts';
import { systemRunner } from '../../src/kernel/command.ts';
import { watchLegacyTables } from '../../src/kernel/legacy-tables.ts';
import type { IpFamily } from '../../src/model/address.ts';
import { IP_FAMILIES } from '../../src/model/address.ts';
import { AgentCluster, askMetrics, healthOf } from '../support/agent-cluster.ts';
import { FakeClock, settle } from '../support/fake-clock.ts';
import { SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, iptables, nft, run, writeKubeletRules } from '../support/program-machine.ts';
import { clusterIp } from '../support/program-objects.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const WEB = { name: 'web', id: 10, pods: ['pod-b', 'remote-a'] };
const STICKY = { name: 'sticky', id: 11, pods: ['pod-c', 'remote-b'], spec: { sessionAffinity: 'ClientIP' } };

/** Two that there are rules about, and another. */
const HOSTS = {
  IPv4: ['10.0.0.1', '10.0.0.2', '10.0.0.3'],
  IPv6: ['fd00::1', 'fd00::2', 'fd00::3'],
} as const satisfies Record<IpFamily, readonly string[]>;

const SOON = { timeout: 5000, interval: 50 };

/** What somebody does to our rules, and who that is. */
const MEDDLING: Readonly<
  Record<string, readonly (readonly [what: string, who: string, how: () => Promise<unknown>])[]>
> = {
  nft: [
    [
      'an element deleted',
      'nft',
      () => nft(`delete element ip sluice service-ips { ${clusterIp(WEB, 'IPv4')} . tcp . 80 }`),
    ],
    ['an endpoint replaced', 'nft', replaceEndpoint],
    ['a chain flushed', 'nft', () => nft('flush chain ip6 sluice nat-prerouting')],
    ['a set emptied', 'nft', () => nft('flush set ip sluice cluster-ips')],
    ['something added', 'nft', () => nft('add chain ip sluice extra; add rule ip sluice nat-output counter')],
    ['a table deleted', 'nft', () => nft('delete table ip6 sluice')],
    ['everything flushed', 'nft', () => run('nft', ['flush', 'ruleset'])],
  ],
  iptables: [
    [
      'a chain flushed',
      'iptables-nft-re',
      () => iptables('nf_tables', 'IPv4', '*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n'),
    ],
    ['a jump removed', 'ip6tables-nft', () => run('ip6tables-nft', ['-t', 'nat', '-D', 'PREROUTING', '1'])],
    ['a table flushed', 'iptables-nft', () => run('iptables-nft', ['-t', 'nat', '-F'])],
    ['everything flushed', 'nft', () => run('nft', ['flush', 'ruleset'])],
  ],
};

async function replaceEndpoint(): Promise<void> {
  const key = `${clusterIp(WEB, 'IPv4')} . 80 . 0`;
  await nft(
    `delete element ip sluice tcp-endpoints { ${key} }; add element ip sluice tcp-endpoints { ${key} : 192.0.2.99 . 99 }`,
  );
}

/** The sum over both families of objects that were put right. */
async function repairs(): Promise<number> {
  const { body } = await askMetrics('/metrics');
  return [...body.matchAll(/^sluice_drift_repairs_total\{.*\} (\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

describe.each(PROGRAM_VARIANTS.filter(({ iptables: kind }) => kind !== 'legacy'))('$title', (variant) => {
  let cluster: AgentCluster;
  let command: SluiceCommand;

  beforeEach(async () => {
    cluster = new AgentCluster(variant);
    await writeKubeletRules('nf_tables');
    await cluster.start([WEB, STICKY]);
    command = cluster.run(['--log-level', 'debug']);
    await expect.poll(() => healthOf(), { timeout: 30_000, interval: 20 }).toBe('200');
    await command.said('listening for changes of rules by others');
  });

  afterEach(async () => {
    await SluiceCommand.killAll();
    await cluster.stop();
    await emptyMachine();
  });

  test('what others do to our rules is noticed, put right, counted and told', async () => {
    for (const [what, who, meddle] of MEDDLING[variant.backend.name] ?? []) {
      const before = await repairs();
      await meddle();
      await expect.poll(() => cluster.differences(), { ...SOON, message: what }).toEqual([]);
      await expect.poll(() => repairs(), { ...SOON, message: what }).toBeGreaterThan(before);
      expect(command.stderr.split('\n').findLast((line) => line.includes('changed rules of ours'))).toMatch(
        new RegExp(`WARN {2}${who} \\(process \\d+\\) changed rules of ours; they are right again`),
      );
    }
    expect((await command.signal('SIGTERM')).stderr).not.toMatch(/ ERROR |sync failed/);
  });

  test('what others do elsewhere, and what we do, is no reason to look', async () => {
    await nft('add table ip other; add chain ip other c; add rule ip other c counter; add table inet sluice');
    await nft('delete table ip other; delete table inet sluice');
    for (let round = 0; round < 20; round++) {
      await cluster.put({ ...WEB, pods: round % 2 === 0 ? ['pod-b'] : ['pod-c', 'remote-c'] });
    }
    await expect.poll(() => cluster.differences(), SOON).toEqual([]);
    expect((await command.signal('SIGTERM')).stderr).not.toContain('compared');
  });
});

test('the outline of legacy tables shows what others added, removed or replaced, and nothing while nobody does', async () => {
  const clock = new FakeClock();
  const own = new OwnProcesses();
  const told: string[] = [];
  await iptables('legacy', 'IPv4', '*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SERVICES -j RETURN\nCOMMIT\n');
  for (const family of IP_FAMILIES) {
    const [first, second] = HOSTS[family];
    const rules = `-A PAIR -s ${first} -j RETURN\n-A PAIR -s ${second} -j RETURN\n-A OUTPUT -j PAIR\n`;
    await iptables('legacy', family, `*filter\n:PAIR - [0:0]\n${rules}COMMIT\n`);
  }
  const watch = watchLegacyTables({
    tables: ['filter', 'nat'],
    families: ['IPv4', 'IPv6'],
    runner: systemRunner,
    own,
    clock,
    onForeignWrite: (family) => void told.push(family),
  });
  const look = async (): Promise<readonly string[]> => {
    await expect.poll(() => clock.pendingMs.length, SOON).toBe(1);
    await clock.advance(30_000);
    await expect.poll(() => clock.pendingMs.length, SOON).toBe(1);
    await settle();
    return told.splice(0);
  };
  expect(await look()).toEqual([]);
  for (const family of IP_FAMILIES) {
    const program = family === 'IPv4' ? 'iptables-legacy' : 'ip6tables-legacy';
    // One of the same size in its place, and two that change places.
    await run(program, ['-R', 'PAIR', '1', '-s', HOSTS[family][2], '-j', 'RETURN']);
    expect(await look()).toEqual([family]);
    await run(program, ['-R', 'PAIR', '1', '-s', HOSTS[family][1], '-j', 'RETURN']);
    await run(program, ['-R', 'PAIR', '2', '-s', HOSTS[family][2], '-j', 'RETURN']);
    expect(await look()).toEqual([family]);
  }
  // Packets are counted, and nothing else changes.
  const socket = createSocket('udp4');
  await promisify((done: () => void) => socket.send('x', 9, '127.0.0.1', done))();
  socket.close();
  expect(await run('iptables-legacy', ['-nxvL', 'PAIR'])).toMatch(/^Chain PAIR \(1 references\)/);
  expect(await run('iptables-legacy', ['-nxvL', 'OUTPUT'])).toMatch(/^ +[1-9]\d* +\d+ PAIR/m);
  expect(await look()).toEqual([]);
  await run('iptables-legacy', ['-t', 'nat', '-F', 'KUBE-SERVICES']);
  expect(await look()).toEqual(['IPv4']);
  expect(await look()).toEqual([]);
  await run('ip6tables-legacy', ['-t', 'filter', '-N', 'SOMEBODY']);
  expect(await look()).toEqual(['IPv6']);
  own.add(1);
  expect(await look()).toEqual(['IPv4', 'IPv6']);
  expect(await look()).toEqual([]);
  await watch.stop();
  await run('ip6tables-legacy', ['-t', 'filter', '-X', 'SOMEBODY']);
  await emptyMachine();
});
