import { describe, expect, test } from 'vitest';
import { splitObjectId } from '../../../../src/backend/xtables/names.ts';
import {
  chainHash,
  endpointChain,
  isOwnChain,
  serviceChain,
  variantChain,
} from '../../../../src/backend/iptables/names.ts';
import { ip } from '../../../support/plans.ts';

describe('chain names are those of kube-proxy', () => {
  test.each([
    ['ns1/svc1:p80tcp', 'XPGD46QRK7WJZT7O'],
    ['ns1/svc1:p80tcp10.180.0.1:80', 'SXIVWICOYRO3J4NJ'],
    ['default/kubernetes:httpstcp', 'NPX46M4PTMTKRN6Y'],
    ['kube-system/kube-dns:dnsudp', 'TCOU7JCQXEZGVUNU'],
    ['kube-system/kube-dns:dns-tcptcp', 'ERIFXISQEP7F7OF4'],
  ])('%s', (text, hash) => {
    expect(chainHash(text)).toBe(hash);
  });

  test('the same hash for all chains of a service port, an own one for each endpoint', () => {
    const service = { name: 'ns1/svc1:p80', protocol: 'tcp' as const };
    expect(serviceChain('KUBE-SVC-', service)).toBe('KUBE-SVC-XPGD46QRK7WJZT7O');
    expect(serviceChain('KUBE-FW-', service)).toBe('KUBE-FW-XPGD46QRK7WJZT7O');
    expect(endpointChain(service, { address: ip('10.180.0.1'), port: 80 })).toBe('KUBE-SEP-SXIVWICOYRO3J4NJ');
    expect(endpointChain(service, { address: ip('fd00::1'), port: 80 })).toBe(
      `KUBE-SEP-${chainHash('ns1/svc1:p80tcp[fd00::1]:80')}`,
    );
  });

  test('a variant has a name of its own that fits', () => {
    const service = { name: 'ns1/svc1:p80', protocol: 'tcp' as const };
    const name = variantChain('KUBE-EXT-', service, 'x');
    expect(name).not.toBe(serviceChain('KUBE-EXT-', service));
    expect(name).toMatch(/^KUBE-EXT-[A-Z2-7]{16}$/);
  });
});

describe('whose chain is it?', () => {
  test.each([
    ['nat', 'KUBE-SERVICES', true],
    ['nat', 'KUBE-SVC-XPGD46QRK7WJZT7O', true],
    ['nat', 'KUBE-SEP-SXIVWICOYRO3J4NJ', true],
    ['nat', 'KUBE-PROXY-CANARY', true],
    ['mangle', 'KUBE-PROXY-CANARY', true],
    ['filter', 'KUBE-EXTERNAL-SERVICES', true],
    ['filter', 'KUBE-FW-IP-3A', true],
    ['filter', 'KUBE-FIREWALL', false],
    ['nat', 'KUBE-MARK-DROP', false],
    ['mangle', 'KUBE-KUBELET-CANARY', false],
    ['mangle', 'KUBE-IPTABLES-HINT', false],
    ['mangle', 'KUBE-SERVICES', false],
    ['nat', 'KUBE-FORWARD', false],
    ['nat', 'PREROUTING', false],
    ['filter', 'cali-FORWARD', false],
  ] as const)('%s %s: %s', (table, chain, own) => {
    expect(isOwnChain(table, chain)).toBe(own);
  });

  test('an object id is table and chain', () => {
    expect(splitObjectId('nat KUBE-SERVICES')).toEqual({ table: 'nat', chain: 'KUBE-SERVICES' });
  });
});
