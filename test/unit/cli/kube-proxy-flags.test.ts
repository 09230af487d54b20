import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CliCommand } from '../../../src/cli/command.ts';
import { runProgram } from '../../../src/cli/program.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { fixture } from '../../support/config-files.ts';

interface Outcome {
  readonly ran: CliCommand['name'] | undefined;
  readonly config: Config | undefined;
  readonly out: string;
  readonly err: string;
}

/** Runs the program with commands that only remember what they were told. */
async function sluice(...args: readonly string[]): Promise<Outcome> {
  const seen: { ran?: CliCommand['name']; config?: Config } = {};
  let out = '';
  let err = '';
  const commands = (['run', 'cleanup'] as const).map(
    (name): CliCommand => ({
      name,
      summary: `does ${name}`,
      run: async (config) => {
        Object.assign(seen, { ran: name, config });
        return 0;
      },
    }),
  );
  await runProgram(
    args,
    { commands },
    {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      stdin: (async function* none() {})(),
      env: {},
      colour: false,
      errColour: false,
      errLive: false,
    },
  );
  return { ran: seen.ran, config: seen.config, out, err };
}

type Expected = Partial<Record<keyof Config, unknown>>;

/** Every flag of kube-proxy 1.36 on Linux (reference 1.3), except those that do something else than run. */
const FLAGS: readonly (readonly [string, Expected])[] = [
  ['--master=https://192.0.2.1:6443', { master: 'https://192.0.2.1:6443' }],
  ['--kubeconfig=/etc/kubeconfig', { kubeconfig: '/etc/kubeconfig' }],
  ['--kube-api-qps=7.5', { kubeApiQps: 7.5 }],
  ['--kube-api-burst=20', { kubeApiBurst: 20 }],
  ['--hostname-override=node-1', { nodeName: 'node-1' }],
  [
    '--feature-gates=AllowServiceExternalIPs=false,ComponentFlagz=true',
    { allowExternalIps: false, featureGates: { AllowServiceExternalIPs: false, ComponentFlagz: true } },
  ],
  ['--bind-address=fd00::1', { bindAddress: 'fd00::1' }],
  ['--healthz-bind-address=127.0.0.1:1', { healthzAddress: { host: '127.0.0.1', port: 1 } }],
  ['--metrics-bind-address=0.0.0.0', { metricsAddress: { host: '0.0.0.0', port: 10_249 } }],
  ['--healthz-port=0', { healthzAddress: undefined }],
  ['--metrics-port=0', { metricsAddress: undefined }],
  ['--bind-address-hard-fail', { bindAddressHardFail: true }],
  ['--profiling', { profiling: true }],
  ['--proxy-mode=ipvs', { backend: 'ipvs', proxyMode: 'ipvs' }],
  ['--iptables-masquerade-bit=15', { masqueradeBit: 15 }],
  ['--masquerade-all', { masqueradeAll: true }],
  ['--iptables-localhost-nodeports=false', { localhostNodePorts: false }],
  ['--iptables-sync-period=20s', { syncPeriodMs: 20_000 }],
  ['--iptables-min-sync-period=500ms', { minSyncPeriodMs: 500 }],
  ['--ipvs-scheduler=lc', { ipvsScheduler: 'lc' }],
  ['--ipvs-exclude-cidrs=198.51.100.0/24,fd00::/64', { ipvsExcludeCidrs: ['198.51.100.0/24', 'fd00::/64'] }],
  ['--ipvs-strict-arp', { ipvsStrictArp: true }],
  ['--ipvs-tcp-timeout=15m', { ipvsTcpTimeoutMs: 900_000 }],
  ['--ipvs-tcpfin-timeout=2m', { ipvsTcpFinTimeoutMs: 120_000 }],
  ['--ipvs-udp-timeout=5m', { ipvsUdpTimeoutMs: 300_000 }],
  ['--detect-local-mode=NodeCIDR', { detectLocal: { mode: 'NodeCIDR' } }],
  ['--pod-bridge-interface=cni0', { podBridgeInterface: 'cni0' }],
  ['--pod-interface-name-prefix=veth', { podInterfaceNamePrefix: 'veth' }],
  ['--cluster-cidr=10.244.0.0/16,fd00::/56', { clusterCidrs: ['10.244.0.0/16', 'fd00::/56'] }],
  ['--nodeport-addresses=192.168.0.0/16,10.0.0.0/8', { nodePortAddresses: ['192.168.0.0/16', '10.0.0.0/8'] }],
  ['--oom-score-adj=-1000', { oomScoreAdj: -1000 }],
  ['--conntrack-max-per-core=0', { conntrackMaxPerCore: 0 }],
  ['--conntrack-min=1000', { conntrackMin: 1000 }],
  ['--conntrack-tcp-timeout-established=1h', { conntrackTcpEstablishedTimeoutMs: 3_600_000 }],
  ['--conntrack-tcp-timeout-close-wait=1m', { conntrackTcpCloseWaitTimeoutMs: 60_000 }],
  ['--conntrack-tcp-be-liberal', { conntrackBeLiberal: true }],
  ['--conntrack-udp-timeout=10s', { conntrackUdpTimeoutMs: 10_000 }],
  ['--conntrack-udp-timeout-stream=20s', { conntrackUdpStreamTimeoutMs: 20_000 }],
  ['--logging-format=json', { logFormat: 'json' }],
  ['--v=4', { logLevel: 'debug' }],
  ['-v=4', { logLevel: 'debug' }],
  ['-v4', { logLevel: 'debug' }],
  ['--init-only', { initOnly: true }],
];

describe('flags, without a command', () => {
  it.each(FLAGS)('%s', async (flag, expected) => {
    const { ran, config } = await sluice(flag);
    expect(ran).toBe('run');
    expect(config).toMatchObject(expected);
  });

  it.each(FLAGS.filter(([flag]) => /^--[\w-]+=/.test(flag)))('%s, the value after a blank', async (flag, expected) => {
    const at = flag.indexOf('=');
    expect((await sluice(flag.slice(0, at), flag.slice(at + 1))).config).toMatchObject(expected);
  });

  it('with underscores', async () => {
    const { config } = await sluice('--hostname_override=a_b', '--masquerade_all=true');
    expect(config).toMatchObject({ nodeName: 'a_b', masqueradeAll: true });
  });

  it('periods belong to their mode', async () => {
    const flags = ['--ipvs-sync-period=5s', '--ipvs-min-sync-period=1s', '--iptables-sync-period=50s'];
    expect((await sluice('--proxy-mode=ipvs', ...flags)).config).toMatchObject({
      syncPeriodMs: 5000,
      minSyncPeriodMs: 1000,
    });
    expect((await sluice('--proxy-mode=nftables', ...flags)).config).toMatchObject({
      syncPeriodMs: 50_000,
      minSyncPeriodMs: 0,
    });
  });
});

describe('flags that sluice has no use for', () => {
  const flags: readonly [string, boolean][] = [
    ['--windows-service=true', true],
    ['--windows-service=false', false],
    ['--source-vip=10.0.0.1', true],
    ['--network-name=cluster', true],
    ['--enable-dsr', true],
    ['--root-hnsendpoint-name=root', true],
    ['--forward-healthcheck-vip', true],
    ['--config-sync-period=5m', true],
    ['--config-sync-period=15m', false],
    ['--kube-api-content-type=application/vnd.kubernetes.protobuf', false],
    ['--show-hidden-metrics-for-version=1.35', true],
    ['--boot-id-file=/proc/sys/kernel/random/boot_id', true],
    ['--machine-id-file=/etc/machine-id', true],
    ['--log-flush-frequency=5s', false],
    ['--vmodule=proxier=9', true],
    ['--log-text-split-stream', true],
    ['--log-text-info-buffer-size=1M', true],
    ['--log-json-split-stream', true],
    ['--log-json-info-buffer-size=1M', true],
  ];
  it.each(flags)('%s', async (flag, notice) => {
    const { ran, err } = await sluice(flag);
    expect(ran).toBe('run');
    const name = flag.split('=')[0] ?? '';
    expect(err).toMatch(notice ? new RegExp(`^\\S+ WARN  without effect: ${name} \\(.+\\)\n$`) : /^$/);
  });

  it('are not in the help', async () => {
    const { out } = await sluice('run', '--help');
    expect(out).toContain('--conntrack-min <n>');
    expect(out).not.toContain('--source-vip');
  });
});

it('starts as in the DaemonSet of kubeadm', async () => {
  const { ran, config, err } = await sluice(`--config=${fixture('kubeadm')}`, '--hostname-override=node-1');
  expect(ran).toBe('run');
  expect(config).toMatchObject({ nodeName: 'node-1', proxyMode: 'iptables', clusterCidrs: ['10.244.0.0/16'] });
  expect(err).toBe('');
});

it('--cleanup cleans up after all modes', async () => {
  expect(await sluice('--cleanup', '--proxy-mode=iptables')).toMatchObject({
    ran: 'cleanup',
    config: { backend: undefined },
  });
  expect((await sluice('--cleanup=false')).ran).toBe('run');
});

it('--write-config-to writes and does nothing else, not even clean up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-write-'));
  const path = join(folder, 'out.yaml');
  expect((await sluice('--write-config-to', path, '--cluster-cidr=10.1.0.0/16', '--cleanup')).ran).toBeUndefined();
  expect(await readFile(path, 'utf8')).toContain('clusterCIDR: 10.1.0.0/16\n');
  await rm(folder, { recursive: true });
});

describe('--version', () => {
  const cases: readonly [readonly string[], RegExp][] = [
    [['--version'], /^\d+\.\d+\.\d+\n$/],
    [['-V'], /^\d+\.\d+\.\d+\n$/],
    [['--version=true'], /^\d+\.\d+\.\d+\n$/],
    [['--config=/nonexistent', '--version'], /^\d+\.\d+\.\d+\n$/],
    [['--version=raw'], /^\{"version":"\d+\.\d+\.\d+","node":"v\d+/],
  ];
  it.each(cases)('%j', async (args, expected) => {
    const { ran, out } = await sluice(...args);
    expect([ran, out]).toEqual([undefined, expect.stringMatching(expected)]);
  });
});

it('refuses what kube-proxy refuses', async () => {
  await expect(sluice('--magic')).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining("'--magic'"),
  });
  await expect(sluice('--config=/nonexistent')).rejects.toMatchObject({ code: 'file-unreadable' });
  await expect(sluice('--oom-score-adj=5000')).rejects.toMatchObject({ code: 'bad-config' });
  await expect(sluice('--v=4', 'stray')).rejects.toMatchObject({
    message: expect.stringContaining('too many arguments'),
  });
});
