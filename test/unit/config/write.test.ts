import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ConfigSources } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { configText, effectiveFlags, kubeProxyConfiguration, writeConfig } from '../../../src/config/write.ts';
import { fileWith, fixture, HEAD, load } from '../../support/config-files.ts';

/** Without what says where it comes from, and without addresses as they were given: those in effect are compared. */
function meaning(config: Config): Partial<Config> {
  const {
    config: _path,
    configFile: _file,
    healthzBindAddress: _healthz,
    metricsBindAddress: _metrics,
    ...rest
  } = config;
  return rest;
}

describe('what is written and loaded again is the same', () => {
  const cases: readonly [string, string, Partial<ConfigSources>][] = [
    ["kubeadm's", fixture('kubeadm'), {}],
    ['every field', fixture('every-field'), {}],
    ['every field, nftables', fixture('every-field'), { flags: { backend: 'nft' } }],
    ['both parts', fixture('both'), {}],
    [
      'with variables',
      fixture('kubeadm'),
      { env: { SLUICE_BACKEND: 'nftables', SLUICE_ZONE: 'on', SLUICE_SYNC_PERIOD: '1h', SLUICE_LOG_LEVEL: 'debug' } },
    ],
    [
      'with flags',
      fixture('kubeadm'),
      { flags: { 'hostname-override': '010', manifests: ['a,b', 'c'], 'pod-cidrs': ['10.1.0.0/24'], v: '3' } },
    ],
  ];
  it.each(cases)('%s', async (_name, path, sources) => {
    const { config } = await load(path, sources);
    const again = await load(fileWith(configText(config)));
    expect(meaning(again.config)).toEqual(meaning(config));
    expect(again.warnings).toEqual([]);
    expect(configText(again.config)).toBe(configText(config));
  });

  it.each(['iptables', 'ipvs', 'nftables'])('every field in mode %s', async (mode) => {
    const text = (await readFile(fixture('every-field'), 'utf8')).replace('mode: iptables', `mode: ${mode}`);
    for (const backend of ['', 'nft', 'iptables']) {
      const { config } = await load(fileWith(text), { env: { SLUICE_BACKEND: backend } });
      expect(meaning((await load(fileWith(configText(config)))).config)).toEqual(meaning(config));
    }
  });
});

it('has the effective values of every field that counts', async () => {
  const { config } = await load(fileWith(`${HEAD}mode: nftables\nbindAddress: "::"\n`), {
    env: { SLUICE_CLUSTER_CIDR: '10.1.0.0/16', SLUICE_MASQUERADE_ALL: 'true' },
  });
  expect(kubeProxyConfiguration(config)).toMatchObject({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'nftables',
    clusterCIDR: '10.1.0.0/16',
    bindAddress: '::',
    healthzBindAddress: '[::]:10256',
    metricsBindAddress: '[::1]:10249',
    nftables: { masqueradeAll: true, masqueradeBit: 14, syncPeriod: '0s', minSyncPeriod: '0s' },
    conntrack: { maxPerCore: 32_768, tcpEstablishedTimeout: '24h0m0s' },
    logging: { verbosity: 0, format: 'text' },
    nodePortAddresses: [],
  });
});

it('has no part of our own when there is nothing to say', async () => {
  expect(configText((await load(fixture('kubeadm'))).config)).not.toContain('---');
});

it('says when it cannot be written', async () => {
  const { config } = await load(undefined);
  await expect(writeConfig(config, '/nonexistent/x')).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining('/nonexistent/x'),
  });
});

it('tells all flags of run, under both names', async () => {
  const flags = {
    backend: 'nft',
    'feature-gates': ['AllAlpha=true,AllBeta=false'],
    'cluster-cidr': ['10.1.0.0/16', 'fd00::/48'],
    'healthz-bind-address': '::',
    'log-level': 'debug',
    'min-sync-period': '90s',
  };
  expect(effectiveFlags((await load(undefined, { flags })).config)).toMatchObject({
    backend: 'nft',
    'proxy-mode': 'nftables',
    'feature-gates': 'AllAlpha=true,AllBeta=false',
    'cluster-cidr': '10.1.0.0/16,fd00::/48',
    'healthz-bind-address': '[::]:10256',
    'log-level': 'debug',
    v: '4',
    'min-sync-period': '1m30s',
    'masquerade-all': 'false',
    zone: '',
  });
  expect(effectiveFlags((await load(undefined)).config)).toMatchObject({
    backend: 'nftables',
    'proxy-mode': 'nftables',
  });
});
