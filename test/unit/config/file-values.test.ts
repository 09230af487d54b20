import { describe, expect, it } from 'vitest';
import { fileWith, fixture, HEAD, load } from '../../support/config-files.ts';

describe('values', () => {
  it('of JSON', async () => {
    const json = {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'nftables',
      conntrack: { min: 7 },
    };
    const { config, warnings } = await load(fileWith(JSON.stringify(json, undefined, '\t')));
    expect(config).toMatchObject({ backend: 'nftables', proxyMode: 'nftables', conntrackMin: 7 });
    expect(warnings).toEqual([]);
  });

  it('of the YAML that Kubernetes takes', async () => {
    expect((await load(fileWith(`${HEAD}bindAddressHardFail: yes\nconntrack: {min: 010}\n`))).config).toMatchObject({
      bindAddressHardFail: true,
      conntrackMin: 8,
    });
  });

  it('that are zero count for pointers only', async () => {
    const text = `conntrack: {maxPerCore: 0, tcpEstablishedTimeout: 0s}\noomScoreAdj: 0\niptables: {masqueradeBit: 0, localhostNodePorts: false}\nclientConnection: {qps: 0, burst: 0}\n`;
    expect((await load(fileWith(`${HEAD}${text}`))).config).toMatchObject({
      conntrackMaxPerCore: 0,
      conntrackTcpEstablishedTimeoutMs: 0,
      oomScoreAdj: 0,
      masqueradeBit: 0,
      localhostNodePorts: false,
      kubeApiQps: 5,
      kubeApiBurst: 10,
    });
  });

  it('of a file with every field', async () => {
    const { config, warnings } = await load(fixture('every-field'));
    expect(config).toMatchObject({
      backend: 'iptables',
      proxyMode: 'iptables',
      kubeconfig: '/etc/kubeconfig',
      kubeApiQps: 12.5,
      kubeApiBurst: 25,
      logFormat: 'json',
      logLevel: 'debug',
      nodeName: 'Node-7',
      bindAddress: 'fd00::7',
      healthzAddress: { host: 'fd00::7', port: 20_256 },
      metricsAddress: { host: '10.0.0.7', port: 10_249 },
      bindAddressHardFail: true,
      profiling: true,
      masqueradeBit: 0,
      masqueradeAll: true,
      localhostNodePorts: false,
      syncPeriodMs: 40_000,
      minSyncPeriodMs: 2000,
      ipvsScheduler: 'lc',
      ipvsExcludeCidrs: ['198.51.100.0/24'],
      ipvsStrictArp: true,
      ipvsTcpTimeoutMs: 900_000,
      ipvsTcpFinTimeoutMs: 120_000,
      ipvsUdpTimeoutMs: 300_000,
      detectLocal: { mode: 'BridgeInterface', interfaceName: 'cni0' },
      podInterfaceNamePrefix: 'veth',
      clusterCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'],
      nodePortAddresses: ['192.168.0.0/16', 'fd00::/8'],
      oomScoreAdj: 0,
      conntrackMaxPerCore: 0,
      conntrackMin: 0,
      conntrackTcpEstablishedTimeoutMs: 0,
      conntrackTcpCloseWaitTimeoutMs: 600_000,
      conntrackBeLiberal: true,
      conntrackUdpTimeoutMs: 20_000,
      conntrackUdpStreamTimeoutMs: 50_000,
      featureGates: { AllowServiceExternalIPs: false, ComponentFlagz: false },
      allowExternalIps: false,
    });
    expect(warnings).toEqual([expect.stringMatching(/^without effect: /)]);
    for (const name of [
      'winkernel.sourceVip',
      'windowsRunAsService',
      'portRange',
      'configSyncPeriod',
      'logging.vmodule',
    ]) {
      expect(warnings[0]).toContain(name);
    }
  });
});
