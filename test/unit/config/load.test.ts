import { describe, expect, it } from 'vitest';
import type { ConfigSources } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { fileWith, fixture, HEAD, load } from '../../support/config-files.ts';

type Expected = Partial<Record<keyof Config, unknown>>;

it("kubeadm's file gives kube-proxy's defaults, and no warning", async () => {
  const { config, warnings } = await load(fixture('kubeadm'), { flags: { 'hostname-override': 'node-1' } });
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    backend: 'iptables',
    proxyMode: 'iptables',
    nodeName: 'node-1',
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    kubeApiQps: 5,
    kubeApiBurst: 10,
    detectLocal: { mode: 'ClusterCIDR', clusterCidrs: ['10.244.0.0/16'] },
    nodePortAddresses: undefined,
    masqueradeAll: false,
    masqueradeBit: 14,
    localhostNodePorts: true,
    minSyncPeriodMs: 0,
    syncPeriodMs: 3_600_000,
    healthzAddress: { host: '0.0.0.0', port: 10_256 },
    metricsAddress: { host: '127.0.0.1', port: 10_249 },
    bindAddressHardFail: false,
    oomScoreAdj: -999,
    conntrackMaxPerCore: 32_768,
    conntrackMin: 131_072,
    conntrackTcpEstablishedTimeoutMs: 86_400_000,
    conntrackTcpCloseWaitTimeoutMs: 3_600_000,
    conntrackUdpTimeoutMs: 0,
    ipvsScheduler: 'rr',
    logLevel: 'info',
    logFormat: 'text',
    featureGates: {},
    allowExternalIps: true,
    configFile: { path: fixture('kubeadm'), digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
  } satisfies Expected);
});

describe('which place counts', () => {
  const file = `${HEAD}hostnameOverride: of-file\nclusterCIDR: 10.1.0.0/16\nmode: iptables\nlogging: {verbosity: 5, format: json}\n`;
  const own = (text: string) => `${file}---\napiVersion: sluice.dev/v1alpha1\nkind: SluiceConfiguration\n${text}\n`;
  const cases: readonly [string, string, Partial<ConfigSources>, Expected][] = [
    [
      'the file',
      file,
      {},
      { nodeName: 'of-file', clusterCidrs: ['10.1.0.0/16'], backend: 'iptables', logLevel: 'debug', logFormat: 'json' },
    ],
    ['--hostname-override', file, { flags: { 'hostname-override': 'of-flag' } }, { nodeName: 'of-flag' }],
    ['an empty --hostname-override does not', file, { flags: { 'hostname-override': '' } }, { nodeName: 'of-file' }],
    [
      'other flags of kube-proxy do not',
      file,
      { flags: { 'cluster-cidr': ['10.2.0.0/16'] } },
      { clusterCidrs: ['10.1.0.0/16'] },
    ],
    ['a mode by flag does not', file, { flags: { 'proxy-mode': 'nftables' } }, { backend: 'iptables' }],
    ['a backend by flag does', file, { flags: { backend: 'nft' } }, { backend: 'nft', proxyMode: 'nftables' }],
    ['logging flags', file, { flags: { v: '0', 'logging-format': 'text' } }, { logLevel: 'info', logFormat: 'text' }],
    ['--master', file, { flags: { master: 'https://192.0.2.1' } }, { master: 'https://192.0.2.1' }],
    ['our own flags', file, { flags: { 'take-over': true, zone: 'z' } }, { takeOver: true, zone: 'z' }],
    [
      'variables',
      file,
      { env: { SLUICE_CLUSTER_CIDR: '10.3.0.0/16', SLUICE_BACKEND: 'nft' } },
      { clusterCidrs: ['10.3.0.0/16'], backend: 'nft' },
    ],
    [
      'flags before variables',
      file,
      { flags: { 'hostname-override': 'of-flag' }, env: { SLUICE_HOSTNAME_OVERRIDE: 'of-env' } },
      { nodeName: 'of-flag' },
    ],
    [
      'a void flag leaves it to the variable',
      file,
      { flags: { 'cluster-cidr': ['10.2.0.0/16'] }, env: { SLUICE_CLUSTER_CIDR: '10.3.0.0/16' } },
      { clusterCidrs: ['10.3.0.0/16'] },
    ],
    [
      'our part of the file',
      own('backend: nft\nzone: z\ntakeOver: true\nnodeIp: [192.0.2.7]\nlogLevel: warn'),
      {},
      { backend: 'nft', zone: 'z', takeOver: true, nodeIps: ['192.0.2.7'], logLevel: 'warn' },
    ],
    [
      'variables before our part of the file',
      own('zone: of-file'),
      { env: { SLUICE_ZONE: 'of-env' } },
      { zone: 'of-env' },
    ],
    [
      'our period before the one of the mode',
      own('syncPeriod: 20s').replace('mode: iptables', 'iptables: {syncPeriod: 50s, minSyncPeriod: 3s}'),
      {},
      { syncPeriodMs: 20_000, minSyncPeriodMs: 3000 },
    ],
  ];
  it.each(cases)('%s', async (_name, text, sources, expected) => {
    expect((await load(fileWith(text), sources)).config).toMatchObject(expected);
  });

  it('the file by variable', async () => {
    expect((await load(undefined, { env: { SLUICE_CONFIG: fileWith(file) } })).config.nodeName).toBe('of-file');
  });

  it('the file for other commands that compile', async () => {
    const { config } = await load(fileWith(file), { command: 'diff', flags: { manifests: ['-'] } });
    expect(config).toMatchObject({ clusterCidrs: ['10.1.0.0/16'], backend: 'iptables' });
  });

  it('no file for commands that do not', async () => {
    expect((await load(undefined, { command: 'cleanup', env: { SLUICE_CONFIG: '/nonexistent' } })).config.backend).toBe(
      undefined,
    );
  });
});

describe('modes', () => {
  const fields = `iptables: {masqueradeAll: true, masqueradeBit: 1, syncPeriod: 11s, minSyncPeriod: 1s}
ipvs: {syncPeriod: 12s, minSyncPeriod: 2s}
nftables: {masqueradeBit: 3, syncPeriod: 13s, minSyncPeriod: 3s}
`;
  const IPTABLES = { masqueradeAll: true, masqueradeBit: 1, syncPeriodMs: 11_000, minSyncPeriodMs: 1000 };
  const cases: readonly [string, string, Expected][] = [
    ['none', '', { ...IPTABLES, backend: 'iptables', proxyMode: 'iptables' }],
    ['an empty one', 'mode: ""\n', { ...IPTABLES, backend: 'iptables' }],
    ['iptables', 'mode: iptables\n', { ...IPTABLES, backend: 'iptables' }],
    [
      'ipvs',
      'mode: ipvs\n',
      {
        backend: 'ipvs',
        proxyMode: 'ipvs',
        masqueradeAll: true,
        masqueradeBit: 1,
        syncPeriodMs: 12_000,
        minSyncPeriodMs: 2000,
      },
    ],
    [
      'nftables',
      'mode: nftables\n',
      { backend: 'nftables', masqueradeAll: false, masqueradeBit: 3, syncPeriodMs: 13_000, minSyncPeriodMs: 3000 },
    ],
  ];
  it.each(cases)('%s: only its own fields count', async (_name, mode, expected) => {
    expect((await load(fileWith(`${HEAD}${mode}${fields}`))).config).toMatchObject(expected);
  });

  it('another backend keeps what the file means to kube-proxy', async () => {
    for (const [mode, expected] of [
      ['iptables', IPTABLES],
      ['ipvs', { masqueradeAll: true, syncPeriodMs: 12_000 }],
    ] as const) {
      const { config } = await load(fileWith(`${HEAD}mode: ${mode}\n${fields}`), { flags: { backend: 'nft' } });
      expect(config).toMatchObject({ ...expected, proxyMode: 'nftables', optionsMode: mode });
    }
  });

  it('nothing at all: nft', async () => {
    expect((await load(undefined)).config).toMatchObject({ backend: undefined, proxyMode: 'nftables' });
  });
});

describe('where health and metrics are served', () => {
  const cases: readonly [string, string, Expected][] = [
    [
      'by default',
      '',
      { healthzAddress: { host: '0.0.0.0', port: 10_256 }, metricsAddress: { host: '127.0.0.1', port: 10_249 } },
    ],
    [
      'for IPv6',
      'bindAddress: "::"',
      { healthzAddress: { host: '::', port: 10_256 }, metricsAddress: { host: '::1', port: 10_249 } },
    ],
    [
      'without a port',
      'healthzBindAddress: 10.0.0.1\nmetricsBindAddress: "::"',
      { healthzAddress: { host: '10.0.0.1', port: 10_256 }, metricsAddress: { host: '::', port: 10_249 } },
    ],
    [
      'with one',
      'healthzBindAddress: "[::1]:80"\nmetricsBindAddress: 10.0.0.1:81',
      { healthzAddress: { host: '::1', port: 80 }, metricsAddress: { host: '10.0.0.1', port: 81 } },
    ],
  ];
  it.each(cases)('%s', async (_name, text, expected) => {
    expect((await load(fileWith(`${HEAD}${text}\n`))).config).toMatchObject(expected);
  });

  const flagCases: readonly [string, Readonly<Record<string, string>>, Expected, readonly RegExp[]][] = [
    [
      'health off',
      { 'healthz-port': '0' },
      { healthzAddress: undefined },
      [/^--healthz-port is deprecated: use --healthz-bind-address$/],
    ],
    ['metrics off', { 'metrics-port': '0' }, { metricsAddress: undefined }, [/^--metrics-port is deprecated/]],
    [
      'a port for an address without one',
      { 'healthz-port': '80', 'healthz-bind-address': '10.0.0.1' },
      { healthzAddress: { host: '10.0.0.1', port: 80 } },
      [/deprecated/],
    ],
    [
      'a port although the address has one does nothing, as in kube-proxy',
      { 'metrics-port': '80' },
      { metricsAddress: { host: '127.0.0.1', port: 10_249 } },
      [/deprecated/, /^without effect: --metrics-port \(the address has a port\)$/],
    ],
  ];
  it.each(flagCases)('flags: %s', async (_name, flags, expected, warnings) => {
    const loaded = await load(undefined, { flags });
    expect(loaded.config).toMatchObject(expected);
    expect(loaded.warnings).toEqual(warnings.map((line) => expect.stringMatching(line)));
  });
});

describe('warnings', () => {
  it('name the flags that the file makes void, and no others', async () => {
    const path = fileWith(HEAD);
    const flags = {
      'cluster-cidr': ['10.0.0.0/8'],
      'proxy-mode': 'ipvs',
      'healthz-port': '0',
      v: '2',
      zone: 'z',
      'hostname-override': 'n',
      kubeconfig: '',
    };
    const { config, warnings } = await load(path, { flags });
    expect(warnings).toEqual([
      `--proxy-mode, --cluster-cidr, --healthz-port: without effect because of --config, as in kube-proxy; set this in ${path} or with SLUICE_ variables`,
    ]);
    expect(config.healthzAddress).toBeDefined();
  });

  it('name what has no effect in sluice, once', async () => {
    const flags = {
      'source-vip': '10.0.0.1',
      'enable-dsr': 'false',
      'boot-id-file': '/x',
      'config-sync-period': '15m',
      'feature-gates': ['NativeHistograms=true'],
    };
    expect((await load(undefined, { flags })).warnings).toEqual([
      'without effect: --source-vip (for Windows); --boot-id-file (sluice asks the kernel for the number of CPUs); feature gate NativeHistograms (not in sluice)',
    ]);
  });

  it("are not made of kube-proxy's own defaults", async () => {
    const text =
      'configSyncPeriod: 15m0s\nclientConnection: {contentType: application/vnd.kubernetes.protobuf}\nlogging: {flushFrequency: 5s}\n';
    expect((await load(fileWith(`${HEAD}${text}`))).warnings).toEqual([]);
    expect((await load(fileWith(`${HEAD}logging: {flushFrequency: 5000000000}\n`))).warnings).toEqual([]);
  });
});
