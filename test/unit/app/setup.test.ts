import { describe, expect, it } from 'vitest';
import { setupFrom } from '../../../src/app/setup.ts';
import { BACKENDS } from '../../../src/backend/registry.ts';
import type { Config } from '../../../src/config/resolve.ts';
import { flagLayer, resolveOptions } from '../../../src/config/resolve.ts';

function config(flags: Readonly<Record<string, unknown>>): Config {
  return resolveOptions('run', [flagLayer({ manifests: ['-'], ...flags })]);
}

describe.each(BACKENDS)('$name', ({ name, proxyMode }) => {
  it('is found by both of its names', () => {
    expect(setupFrom(config({ backend: name })).backend.name).toBe(name);
    expect(setupFrom(config({ 'proxy-mode': proxyMode })).backend.name).toBe(name);
  });

  it('has the NodePort addresses of the mode of kube-proxy', () => {
    const { nodePortAddresses, localhostNodePorts } = setupFrom(config({ backend: name })).compileSettings;
    expect(nodePortAddresses).toEqual(proxyMode === 'nftables' ? 'primary' : []);
    expect(localhostNodePorts).toBe(proxyMode === 'iptables');
    const wanted = config({ backend: name, 'nodeport-addresses': ['10.0.0.0/8'] });
    expect(setupFrom(wanted).compileSettings.nodePortAddresses).toEqual(['10.0.0.0/8']);
  });
});

it('takes the first backend by default, and what the options say', () => {
  const flags = {
    'hostname-override': 'n',
    zone: 'z',
    'node-ip': ['192.0.2.1'],
    'pod-cidrs': ['10.1.0.0/24'],
    'iptables-masquerade-bit': '15',
    'detect-local-mode': 'NodeCIDR',
  };
  expect(setupFrom(config(flags))).toMatchObject({
    backend: BACKENDS[0],
    backendSettings: { masqueradeBit: 15, conntrackBeLiberal: false },
    compileSettings: { detectLocal: { mode: 'NodeCIDR' }, masqueradeAll: false },
    nodeOverrides: { name: 'n', zone: 'z', addresses: ['192.0.2.1'], podCidrs: ['10.1.0.0/24'] },
  });
});

it('hands the ipvs options on, times as seconds', () => {
  const flags = {
    'proxy-mode': 'ipvs',
    'ipvs-scheduler': 'mh',
    'ipvs-exclude-cidrs': ['10.9.0.0/16'],
    'ipvs-strict-arp': true,
    'ipvs-tcp-timeout': '15m',
    'ipvs-tcpfin-timeout': '1500ms',
  };
  const { backendSettings, compileSettings } = setupFrom(config(flags));
  expect(backendSettings.ipvs).toEqual({
    scheduler: 'mh',
    excludeCidrs: ['10.9.0.0/16'],
    strictArp: true,
    timeoutsS: { tcp: 900, tcpFin: 2, udp: 0 },
  });
  expect(compileSettings.namesInterfaceAddresses).toBe(true);
  expect(setupFrom(config({})).compileSettings.namesInterfaceAddresses).toBe(false);
});

it("refuses the node's own DNS beside IPVS", () => {
  expect(() => setupFrom(config({ 'proxy-mode': 'ipvs', dns: true }))).toThrow(/IPVS takes all packets/);
  expect(setupFrom(config({ 'proxy-mode': 'nftables', dns: true })).backend.name).toBe('nft');
});

it('refuses modes that there are not', () => {
  expect(() => setupFrom(config({ 'proxy-mode': 'userspace' }))).toThrow(
    expect.objectContaining({ code: 'bad-config' }),
  );
});
