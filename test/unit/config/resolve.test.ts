import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/base/errors.ts';
import type { Command, Option } from '../../../src/config/options.ts';
import { COMMANDS, OPTIONS } from '../../../src/config/options.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { environmentLayer, flagLayer, resolveOptions, variableOf } from '../../../src/config/resolve.ts';

const options: readonly Option[] = Object.values(OPTIONS);

function resolve(
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
  command: Command = 'run',
): Config {
  return resolveOptions(command, [flagLayer({ manifests: ['-'], ...flags }), environmentLayer(env)]);
}

function failure(action: () => unknown): SluiceError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown;
  }
  throw new Error('expected a SluiceError');
}

it('has defaults for every command', () => {
  for (const command of COMMANDS) {
    expect(resolve({}, {}, command)).toMatchObject({
      against: 'kernel',
      output: 'text',
      logLevel: 'info',
      minSyncPeriodMs: 0,
      syncPeriodMs: 3_600_000,
      masqueradeBit: 14,
    });
  }
  expect(resolve({})).toMatchObject({
    manifests: ['-'],
    clusterCidrs: [],
    detectLocal: { mode: 'ClusterCIDR', clusterCidrs: [] },
    nodeIps: [],
    masqueradeAll: false,
    localhostNodePorts: true,
  });
  expect(resolve({})).toMatchObject({
    backend: undefined,
    nodePortAddresses: undefined,
    nodeName: undefined,
    zone: undefined,
  });
});

describe('one option', () => {
  const cases: readonly [string, Readonly<Record<string, unknown>>, Partial<Record<keyof Config, unknown>>][] = [
    ['text', { 'hostname-override': ' Node-1 ' }, { nodeName: 'Node-1' }],
    ["kube-proxy's name for it", { 'proxy-mode': 'nftables' }, { backend: 'nftables' }],
    [
      'several values and commas',
      { 'cluster-cidr': ['10.244.0.0/16,fd00::/48'] },
      { clusterCidrs: ['10.244.0.0/16', 'fd00::/48'] },
    ],
    ['an empty list', { 'cluster-cidr': [''] }, { clusterCidrs: [] }],
    ['paths keep their commas', { manifests: ['a,b', 'c'] }, { manifests: ['a,b', 'c'] }],
    ['primary', { 'nodeport-addresses': ['primary'] }, { nodePortAddresses: 'primary' }],
    ['networks', { 'nodeport-addresses': ['10.0.0.1/8', '::/0'] }, { nodePortAddresses: ['10.0.0.0/8', '::/0'] }],
    ['addresses', { 'node-ip': ['192.168.001.1'] }, { nodeIps: ['192.168.1.1'] }],
    ['a switch', { 'masquerade-all': true }, { masqueradeAll: true }],
    ['a switch turned off', { 'iptables-localhost-nodeports': 'false' }, { localhostNodePorts: false }],
    ['a duration', { 'min-sync-period': '1m30s' }, { minSyncPeriodMs: 90_000 }],
    ['no verification', { 'sync-period': '0', 'min-sync-period': '1s' }, { syncPeriodMs: 0, minSyncPeriodMs: 1000 }],
    ['a number', { 'iptables-masquerade-bit': '0' }, { masqueradeBit: 0 }],
    [
      'bridge',
      { 'detect-local-mode': 'BridgeInterface', 'pod-bridge-interface': 'cni0' },
      { detectLocal: { mode: 'BridgeInterface', interfaceName: 'cni0' } },
    ],
    [
      'prefix',
      { 'detect-local-mode': 'InterfaceNamePrefix', 'pod-interface-name-prefix': 'veth' },
      { detectLocal: { mode: 'InterfaceNamePrefix', prefix: 'veth' } },
    ],
    ['NodeCIDR', { 'detect-local-mode': 'NodeCIDR' }, { detectLocal: { mode: 'NodeCIDR' } }],
  ];
  it.each(cases)('%s', (_name, flags, expected) => {
    expect(resolve(flags)).toMatchObject(expected);
  });
});

describe('the environment', () => {
  it('counts where no flag is given', () => {
    const env = {
      SLUICE_CLUSTER_CIDR: '10.1.0.0/16',
      SLUICE_MASQUERADE_ALL: 'true',
      SLUICE_ZONE: '',
      SLUICE_MANIFESTS: '/m',
    };
    expect(
      resolveOptions('run', [flagLayer({ 'cluster-cidr': ['10.2.0.0/16'] }), environmentLayer(env)]),
    ).toMatchObject({
      manifests: ['/m'],
      clusterCidrs: ['10.2.0.0/16'],
      masqueradeAll: true,
      zone: undefined,
    });
  });

  it('is not asked for options that the command does not have', () => {
    expect(resolve({}, { SLUICE_OUTPUT: 'nonsense' }, 'run').output).toBe('text');
    expect(() => resolve({}, { SLUICE_OUTPUT: 'nonsense' }, 'diff')).toThrow(
      /^SLUICE_OUTPUT: "nonsense" is not one of text, json$/,
    );
  });
});

describe('what is refused', () => {
  const cases: readonly [string, Readonly<Record<string, unknown>>, string][] = [
    [
      'network',
      { 'cluster-cidr': ['10.244.0.0/16', 'x'] },
      '--cluster-cidr: "x" is not a network such as 10.244.0.0/16',
    ],
    [
      'two networks of a family',
      { 'cluster-cidr': ['10.1.0.0/16', '10.2.0.0/16'] },
      '--cluster-cidr: "10.2.0.0/16" is a second IPv4 network',
    ],
    [
      'mode',
      { 'detect-local-mode': 'x' },
      '--detect-local-mode: "x" is not one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix',
    ],
    [
      'no bridge',
      { 'detect-local-mode': 'BridgeInterface' },
      '--pod-bridge-interface is needed with --detect-local-mode BridgeInterface',
    ],
    [
      'no prefix',
      { 'detect-local-mode': 'InterfaceNamePrefix' },
      '--pod-interface-name-prefix is needed with --detect-local-mode InterfaceNamePrefix',
    ],
    ['interface', { 'pod-bridge-interface': 'a"b' }, '--pod-bridge-interface: "a\\"b" is not the name of an interface'],
    [
      'primary is not alone',
      { 'nodeport-addresses': ['primary', '10.0.0.0/8'] },
      '--nodeport-addresses: ["primary","10.0.0.0/8"] is neither "primary" nor a list of networks',
    ],
    ['negative duration', { 'min-sync-period': '-5s' }, '--min-sync-period: "-5s" is negative'],
    [
      'periods',
      { 'iptables-min-sync-period': '2s', 'sync-period': '1s' },
      '--iptables-min-sync-period: "2s" is longer than the sync period, 1s',
    ],
    ['backend', { backend: 'userspace' }, '--backend: "userspace" is not one of nft (nftables), iptables, ipvs'],
    [
      'gate',
      { 'feature-gates': ['A'] },
      '--feature-gates: "A" is not a feature gate such as AllowServiceExternalIPs=false',
    ],
    ['duration', { 'min-sync-period': '5' }, '--min-sync-period: "5" is not a duration such as 500ms, 30s or 1h30m'],
    ['bit', { 'iptables-masquerade-bit': '32' }, '--iptables-masquerade-bit: "32" is not a number from 0 to 31'],
    ['switch', { 'masquerade-all': 'maybe' }, '--masquerade-all: "maybe" is neither true nor false'],
    ['blank', { 'proxy-mode': ' ' }, '--proxy-mode: "" is blank'],
    [
      'log level',
      { 'log-level': 'loud' },
      '--log-level: "loud" is not debug, info, warn, error, silent or a number as for kube-proxy',
    ],
    ['node address', { 'node-ip': ['node-1'] }, '--node-ip: "node-1" is not an IP address'],
  ];
  it.each(cases)('%s', (_name, flags, message) => {
    expect(failure(() => resolve(flags))).toMatchObject({ code: 'bad-config', message });
  });

  it('two things to compare with', () => {
    const flags = { against: 'empty', 'against-manifests': ['x'] };
    expect(failure(() => resolve(flags, {}, 'diff')).message).toBe(
      '--against-manifests cannot be combined with --against empty',
    );
  });

  it('nothing to read', () => {
    for (const command of ['diff', 'render'] as const) {
      expect(failure(() => resolveOptions(command, [])).message).toBe('--manifests is needed');
    }
    expect(resolveOptions('run', []).manifests).toEqual([]);
  });

  it('everything at once', () => {
    const error = failure(() => resolve({ 'min-sync-period': 'x', 'sync-period': 'y', 'node-ip': ['1', '2'] }));
    expect(error.data['problems']).toHaveLength(4);
    expect(error.message.split('; ')).toHaveLength(4);
    expect(error.hint).toBe('see sluice run --help');
  });
});

describe('the table', () => {
  it('has no two options of one name', () => {
    const flags = options.flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, alias]));
    const letters = options.flatMap(({ short }) => short ?? []);
    expect([flags, letters]).toEqual([[...new Set(flags)], [...new Set(letters)]]);
  });

  it('says what every option is for, in a line of the help', () => {
    for (const option of options) {
      expect(option.description).toMatch(/^[a-zN].+[^.]$/);
      expect(option.commands.length).toBeGreaterThan(0);
      expect(option.kind === 'switch').toBe(option.valueName === undefined);
    }
  });

  it('derives variables', () => {
    expect(variableOf(OPTIONS.clusterCidrs)).toBe('SLUICE_CLUSTER_CIDR');
  });
});
