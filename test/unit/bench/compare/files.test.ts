import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, it, test } from 'vitest';
import { apiAccess, ConfigFiles, proxyConfig } from '../../../../src/bench/compare/files.ts';
import { fileWith, load } from '../../../support/config-files.ts';

test.each(['nftables', 'iptables'] as const)('sluice takes the file of mode %s without a word', async (mode) => {
  const path = fileWith(proxyConfig({ kubeconfig: '/tmp/kubeconfig', mode, minSyncPeriod: '20ms' }));
  const { config, warnings } = await load(path);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({ kubeconfig: '/tmp/kubeconfig', nodeName: 'node-1', minSyncPeriodMs: 20 });
});

it('without a least time between syncs everybody has their own', () => {
  expect(proxyConfig({ kubeconfig: 'k', mode: 'iptables' })).not.toContain('minSyncPeriod');
});

it('a command is given the names of files of the modes that it asks for', async () => {
  const server = 'http://10.201.0.1:1';
  const files = await ConfigFiles.write({ server, mode: 'nftables', minSyncPeriod: undefined, parent: tmpdir() });
  try {
    const [own = '', other = ''] = files.fill('{config} {config:iptables}').split(' ');
    expect(JSON.parse(await readFile(own, 'utf8'))).toMatchObject({ mode: 'nftables' });
    const config = JSON.parse(await readFile(other, 'utf8')) as { clientConnection: { kubeconfig: string } };
    expect(config).toMatchObject({ mode: 'iptables' });
    expect(await readFile(config.clientConnection.kubeconfig, 'utf8')).toBe(apiAccess(server));
  } finally {
    await files.remove();
  }
});
