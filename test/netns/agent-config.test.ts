import { mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentCluster, askMetrics, healthOf } from '../support/agent-cluster.ts';
import { fixture } from '../support/config-files.ts';
import { sluice, SluiceCommand } from '../support/program-command.ts';
import { emptyMachine, nftTables, savedAll, writeKubeletRules } from '../support/program-machine.ts';
import { PROGRAM_VARIANTS } from '../support/program-variants.ts';

const WEB = { name: 'web', id: 10, pods: ['remote-a'] };

const SOON = { timeout: 10_000, interval: 20 };

/** What kubeadm's DaemonSet starts, after the name of the program. */
const OVERRIDE = '--hostname-override=node-1';

let folder: string;
let config: string;
let cluster: AgentCluster;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-agent-'));
  config = join(folder, 'config.conf');
  const [variant] = PROGRAM_VARIANTS;
  if (variant === undefined) throw new Error('there is no backend');
  cluster = new AgentCluster(variant);
  await writeKubeletRules('nf_tables');
  await cluster.start([WEB]);
});

afterEach(async () => {
  await SluiceCommand.killAll();
  await cluster.stop();
  await emptyMachine();
  await rm(folder, { recursive: true });
});

/** kubeadm's ConfigMap as the kubelet mounts it (both files behind one link that is swapped), in another proxy mode. */
async function mount(mode: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const content = await mkdtemp(join(folder, '..content-'));
  let text = await readFile(fixture('kubeadm'), 'utf8');
  const values = { mode, kubeconfig: join(folder, 'kubeconfig.conf'), ...more };
  for (const [field, value] of Object.entries(values))
    text = text.replace(new RegExp(`^( *${field}:).*`, 'm'), `$1 ${value}`);
  await writeFile(join(content, 'config.conf'), text);
  await writeFile(join(content, 'kubeconfig.conf'), kubeconfig(cluster.server.url));
  await symlink(content, join(folder, '..draft'));
  await rename(join(folder, '..draft'), join(folder, '..data'));
  for (const name of ['config.conf', 'kubeconfig.conf'])
    await symlink(join('..data', name), join(folder, name)).catch(() => {});
}

function kubeconfig(server: string): string {
  const parts = {
    clusters: [{ name: 'default', cluster: { server } }],
    contexts: [{ name: 'default', context: { cluster: 'default', namespace: 'default', user: 'default' } }],
    users: [{ name: 'default', user: {} }],
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', 'current-context': 'default', ...parts });
}

test("kubeadm's files work, and another mode in them replaces the rules after a restart", async () => {
  await mount('iptables');
  const before = new SluiceCommand([`--config=${config}`, OVERRIDE]);
  await expect.poll(() => healthOf(), SOON).toBe('200');
  expect(await askMetrics('/proxyMode')).toMatchObject({ body: 'iptables' });
  expect((await savedAll())['nf_tables IPv4']?.join('\n')).toContain('demo/web:tcp');
  expect(await nftTables()).toEqual([]);

  await mount('nftables');
  const ended = await before.outcome();
  expect(ended).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('configuration changed') });
  expect(ended.stderr).not.toMatch(/ ERROR /);

  const after = new SluiceCommand([`--config=${config}`, OVERRIDE]);
  await expect.poll(() => healthOf(), SOON).toBe('200');
  await after.said('removed the iptables rules that were here before');
  expect(await askMetrics('/proxyMode')).toMatchObject({ body: 'nftables' });
  expect((await savedAll())['nf_tables IPv4']?.join('\n')).not.toContain('demo/web:tcp');
  expect(await nftTables()).toEqual(['ip sluice', 'ip6 sluice']);
  expect(await after.signal('SIGTERM')).toMatchObject({ exitCode: 0 });

  expect(await sluice(['--cleanup', `--config=${config}`])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^removed /),
  });
  expect(await nftTables()).toEqual([]);
});

test('--init-only writes no rules and needs no API server', async () => {
  await mount('nftables');
  await cluster.stop();
  const { exitCode, stderr } = await sluice([`--config=${config}`, OVERRIDE, '--init-only']);
  expect([exitCode, stderr]).toEqual([0, expect.not.stringMatching(/ ERROR |^error/)]);
  expect(await nftTables()).toEqual([]);
  expect(cluster.server.requests).toEqual([]);
});

test('--write-config-to writes what --config reads, and does nothing else', async () => {
  const written = join(folder, 'written.yaml');
  const flags = ['--write-config-to', written, '--proxy-mode', 'iptables', '--cluster-cidr', '10.244.0.0/16'];
  expect(await sluice([...flags, '--master', cluster.server.url])).toMatchObject({ exitCode: 0 });
  expect(await readFile(written, 'utf8')).toMatch(/^mode: iptables$/m);
  expect(cluster.server.requests).toEqual([]);
  expect(await nftTables()).toEqual([]);
  const command = new SluiceCommand(['--config', written, OVERRIDE, '--master', cluster.server.url]);
  await expect.poll(() => healthOf(), SOON).toBe('200');
  expect(await askMetrics('/proxyMode')).toMatchObject({ body: 'iptables' });
  await command.signal('SIGTERM');
});

test.each([
  { what: 'a kubeconfig that is not there', kubeconfig: '/nowhere/kubeconfig', code: 'file-unreadable' },
  { what: 'a kubeconfig that is none', kubeconfig: 'config.conf', code: 'bad-config' },
])('$what ends it with the reason', async ({ kubeconfig: path, code }) => {
  await mount('nftables', { kubeconfig: path.startsWith('/') ? path : join(folder, path) });
  const { exitCode, stderr } = await sluice([`--config=${config}`, OVERRIDE]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining(`(${code})`)]);
  const { exitCode: again } = await sluice([`--config=${config}`, OVERRIDE]);
  expect(again).toBe(2);
});

test('a port that is taken is said once and does not keep rules from being written', async () => {
  await mount('nftables', { metricsBindAddress: `127.0.0.1:${new URL(cluster.server.url).port}` });
  const command = new SluiceCommand([`--config=${config}`, OVERRIDE]);
  await expect.poll(() => healthOf(), SOON).toBe('200');
  expect(await nftTables()).toEqual(['ip sluice', 'ip6 sluice']);
  expect(command.stderr).toMatch(/metrics.*(in use|EADDRINUSE)/);
  expect(await command.signal('SIGTERM')).toMatchObject({ exitCode: 0 });
});
