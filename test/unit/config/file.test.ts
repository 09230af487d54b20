import { describe, expect, it } from 'vitest';
import { fileWith, HEAD, load, problemsWith } from '../../support/config-files.ts';

describe('what is refused, with field and reason', () => {
  const cases: readonly [string, string, string][] = [
    [
      'text for a number',
      'conntrack:\n  maxPerCore: many',
      'config.conf:4: conntrack.maxPerCore: "many" is not a whole number',
    ],
    ['a fraction', 'conntrack: {min: 1.5}', 'config.conf:3: conntrack.min: 1.5 is not a whole number'],
    ['a negative count', 'conntrack: {min: -1}', 'config.conf:3: conntrack.min: "-1" is not a whole number, 0 or more'],
    [
      'too large',
      'oomScoreAdj: 3000000000',
      'config.conf:3: oomScoreAdj: 3000000000 is not between -2147483648 and 2147483647',
    ],
    ['out of bounds', 'oomScoreAdj: 1001', 'config.conf:3: oomScoreAdj: "1001" is not a number from -1000 to 1000'],
    [
      'a bit too far',
      'iptables: {masqueradeBit: 32}',
      'config.conf:3: iptables.masqueradeBit: "32" is not a number from 0 to 31',
    ],
    [
      'text for a switch',
      'bindAddressHardFail: "true"',
      'config.conf:3: bindAddressHardFail: "true" is neither true nor false',
    ],
    [
      'a number for text',
      'hostnameOverride: 7',
      'config.conf:3: hostnameOverride: 7 is not text (numbers need quotes)',
    ],
    [
      'a number for a duration',
      'configSyncPeriod: 30',
      'config.conf:3: configSyncPeriod: 30 is not a duration such as 500ms, 30s or 1h30m',
    ],
    [
      'no duration',
      'iptables: {syncPeriod: soon}',
      'config.conf:3: iptables.syncPeriod: "soon" is not a duration such as 500ms, 30s or 1h30m',
    ],
    ['a negative duration', 'ipvs: {tcpTimeout: -1s}', 'config.conf:3: ipvs.tcpTimeout: "-1s" is negative'],
    [
      'a negative period',
      'iptables: {syncPeriod: -1s}',
      'config.conf:3: iptables.syncPeriod: "-1s" is not greater than 0',
    ],
    [
      'periods that contradict each other',
      'iptables:\n  syncPeriod: 10s\n  minSyncPeriod: 1m',
      'config.conf:5: iptables.minSyncPeriod: "1m0s" is longer than the sync period, 10s',
    ],
    ['a mode', 'mode: userspace', 'config.conf:3: mode: "userspace" is not one of iptables, ipvs, nftables'],
    ['our name of a mode', 'mode: nft', 'config.conf:3: mode: "nft" is not one of iptables, ipvs, nftables'],
    [
      'another way to find pods',
      'detectLocalMode: Magic',
      'config.conf:3: detectLocalMode: "Magic" is not one of ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix',
    ],
    [
      'no bridge',
      'detectLocalMode: BridgeInterface',
      'config.conf: detectLocal.bridgeInterface is needed with config.conf:3: detectLocalMode BridgeInterface',
    ],
    ['networks', 'clusterCIDR: 10.0.0.0/8,x', 'config.conf:3: clusterCIDR: "x" is not a network such as 10.244.0.0/16'],
    [
      'two of a family',
      'clusterCIDR: 10.0.0.0/9,10.128.0.0/9',
      'config.conf:3: clusterCIDR: "10.128.0.0/9" is a second IPv4 network',
    ],
    [
      'a list in a text',
      'clusterCIDR: [10.0.0.0/8]',
      'config.conf:3: clusterCIDR: ["10.0.0.0/8"] is not text (numbers need quotes)',
    ],
    ['a text for a list', 'nodePortAddresses: primary', 'config.conf:3: nodePortAddresses: "primary" is not a list'],
    ['an item of a list', 'nodePortAddresses: [10.0.0.0/8, 7]', 'config.conf:3: nodePortAddresses[1]: 7 is not text'],
    [
      'primary and others',
      'nodePortAddresses: [primary, 10.0.0.0/8]',
      'config.conf:3: nodePortAddresses: ["primary","10.0.0.0/8"] is neither "primary" nor a list of networks',
    ],
    [
      'an excluded network',
      'ipvs: {excludeCIDRs: [10.0.0.1]}',
      'config.conf:3: ipvs.excludeCIDRs: "10.0.0.1" is not a network such as 10.244.0.0/16',
    ],
    ['an address', 'bindAddress: node-1', 'config.conf:3: bindAddress: "node-1" is not an IP address'],
    [
      'a host name to listen on',
      'healthzBindAddress: localhost:10256',
      'config.conf:3: healthzBindAddress: "localhost:10256" is not an IP address with a port such as 127.0.0.1:10249 or [::1]:10249',
    ],
    [
      'a port',
      'metricsBindAddress: 127.0.0.1:70000',
      'config.conf:3: metricsBindAddress: "127.0.0.1:70000" is not an IP address with a port such as 127.0.0.1:10249 or [::1]:10249',
    ],
    ['text for a map', 'conntrack: none', 'config.conf:3: conntrack: "none" is not a map'],
    ['a list for a map', 'iptables: []', 'config.conf:3: iptables: [] is not a map'],
    [
      'requests per second',
      'clientConnection: {qps: fast}',
      'config.conf:3: clientConnection.qps: "fast" is not a number',
    ],
    [
      'a negative burst',
      'clientConnection: {burst: -1}',
      'config.conf:3: clientConnection.burst: "-1" is not a whole number, 0 or more',
    ],
    ['a log format', 'logging: {format: xml}', 'config.conf:3: logging.format: "xml" is not one of text, json'],
    [
      'a log module',
      'logging: {vmodule: [{filePattern: x}]}',
      'config.conf:3: logging.vmodule[0]: {"filePattern":"x"} has no filePattern and verbosity',
    ],
    [
      'a gate that is no switch',
      'featureGates: {ComponentFlagz: 1}',
      'config.conf:3: featureGates.ComponentFlagz: 1 is neither true nor false',
    ],
    [
      'gates that are no map',
      'featureGates: ComponentFlagz',
      'config.conf:3: featureGates: "ComponentFlagz" is not a map',
    ],
    [
      'a locked gate',
      'featureGates: {NFTablesProxyMode: false}',
      'config.conf:3: featureGates: "NFTablesProxyMode=false" cannot be set to false: it is locked to true',
    ],
    [
      'a switch for Windows',
      'winkernel: {enableDSR: 1}',
      'config.conf:3: winkernel.enableDSR: 1 is neither true nor false',
    ],
  ];
  it.each(cases)('%s', async (_name, text, message) => {
    expect(await problemsWith(`${HEAD}${text}\n`)).toEqual([message]);
  });

  it('an unknown gate, with those that there are', async () => {
    const [problem] = await problemsWith(`${HEAD}featureGates: {Magic: true}\n`);
    expect(problem).toMatch(/^config.conf:3: featureGates: "Magic=true" is no feature gate of a service proxy/);
    expect(problem).toContain('(AllowServiceExternalIPs, ComponentFlagz, ');
  });

  it('everything at once, flags and variables too', async () => {
    const path = fileWith(`${HEAD}mode: x\nconntrack: {min: y}\nbindAddress: z\n`);
    await expect(load(path, { flags: { 'node-ip': ['1'] }, env: { SLUICE_ZONE: ' ' } })).rejects.toMatchObject({
      code: 'bad-config',
      data: { problems: { length: 5 } },
    });
  });
});

describe('what is no configuration', () => {
  const cases: readonly [string, string, string][] = [
    ['an empty file', '# nothing\n', 'config.conf is empty'],
    ['no YAML', `${HEAD}mode: [\n`, 'config.conf:4:'],
    ['a text', 'hello\n', 'config.conf:1: apiVersion is missing'],
    ['no kind', 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\n', 'config.conf:1: kind is missing'],
    ['another kind', `kind: ConfigMap\napiVersion: v1\n`, 'config.conf:2: apiVersion: "v1" is not kubeproxy'],
    [
      'another version',
      HEAD.replace('v1alpha1', 'v1'),
      'config.conf:1: apiVersion: "kubeproxy.config.k8s.io/v1" is not',
    ],
    [
      'our part first',
      `apiVersion: sluice.dev/v1alpha1\nkind: SluiceConfiguration\n---\n${HEAD}`,
      'config.conf:1: apiVersion: "sluice.dev/v1alpha1" is not kubeproxy.config.k8s.io/v1alpha1, which has to come first in the file',
    ],
  ];
  it.each(cases)('%s', async (_name, text, message) => {
    expect((await problemsWith(text))[0]).toContain(message);
  });

  it('a file that is not there', async () => {
    await expect(load('/nonexistent/config.conf')).rejects.toMatchObject({
      code: 'file-unreadable',
      message: 'the configuration file /nonexistent/config.conf cannot be read: ENOENT',
    });
  });
});

describe('what strict decoding stumbles over', () => {
  const cases: readonly [string, string, string][] = [
    ['an unknown field', 'magic: 1', 'unknown field magic (line 3)'],
    ['one further in', 'conntrack:\n  max: 1', 'unknown field conntrack.max (line 4)'],
    ['letters of another case', 'clusterCidr: 10.0.0.0/8', 'unknown field clusterCidr (line 3)'],
    ['a field given twice', 'mode: ipvs\nmode: nftables', 'all but the last mode (line 4)'],
    ['another document', '---\nkind: Other', 'the document at line 4'],
    [
      'an unknown setting',
      '---\napiVersion: sluice.dev/v1alpha1\nkind: SluiceConfiguration\nmagic: 1',
      'unknown field magic (line 6)',
    ],
  ];
  it.each(cases)('%s: one warning', async (_name, text, ignored) => {
    const path = fileWith(`${HEAD}${text}\n`);
    expect((await load(path)).warnings).toEqual([`${path}: strict decoding failed, ignored: ${ignored}`]);
  });

  it('all in one warning, and the rest counts', async () => {
    const { config, warnings } = await load(fileWith(`${HEAD}a: 1\nb: 2\noomScoreAdj: -5\n`));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('unknown field a (line 3); unknown field b (line 4)');
    expect(config.oomScoreAdj).toBe(-5);
  });
});
