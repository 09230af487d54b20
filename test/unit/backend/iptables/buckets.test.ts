import { describe, expect, test } from 'vitest';
import { addressLeaf, portLeaf } from '../../../../src/backend/iptables/buckets.ts';
import { ip } from '../../../support/plans.ts';

const ADDRESSES = { table: 'nat', root: 'KUBE-SERVICES', prefix: 'KUBE-SVC-IP' } as const;
const PORTS = { table: 'filter', root: 'KUBE-EXTERNAL-SERVICES', prefix: 'KUBE-EXT-NP' } as const;

describe('addresses fan out by their low byte', () => {
  test.each([
    ['10.96.7.58', '3A', '0.0.0.48/0.0.0.240', '0.0.0.10/0.0.0.15'],
    ['10.96.7.0', '00', '0.0.0.0/0.0.0.240', '0.0.0.0/0.0.0.15'],
    ['10.96.7.255', 'FF', '0.0.0.240/0.0.0.240', '0.0.0.15/0.0.0.15'],
    ['fd00::103a', '3A', '::30/::f0', '::a/::f'],
    ['fd00::', '00', '::/::f0', '::/::f'],
  ])('%s', (address, bucket, upper, lower) => {
    const { id, path } = addressLeaf(ADDRESSES, ip(address), 'destination');
    const [digit] = bucket;
    expect(id).toBe(`nat KUBE-SVC-IP-${bucket}`);
    expect(path.map(({ object, lines }) => [object, ...lines])).toEqual([
      ['nat KUBE-SERVICES', `-d ${upper} -j KUBE-SVC-IP-${digit}`],
      [`nat KUBE-SVC-IP-${digit}`, `-d ${lower} -j KUBE-SVC-IP-${bucket}`],
    ]);
  });

  test('by source as well', () => {
    const { path } = addressLeaf(ADDRESSES, ip('10.0.0.17'), 'source');
    expect(path[0]?.lines).toEqual(['-s 0.0.0.16/0.0.0.240 -j KUBE-SVC-IP-1']);
  });
});

test('ports fan out by ranges, with the condition at the top', () => {
  const { id, path } = portLeaf(PORTS, { protocol: 'udp', port: 30_080, match: '-m addrtype --dst-type LOCAL' });
  expect(id).toBe('filter KUBE-EXT-NP-30080-30111');
  expect(path.map(({ object, lines }) => [object, ...lines])).toEqual([
    [
      'filter KUBE-EXTERNAL-SERVICES',
      '-p udp -m addrtype --dst-type LOCAL -m udp --dport 29696:30207 -j KUBE-EXT-NP-29696-30207',
    ],
    ['filter KUBE-EXT-NP-29696-30207', '-p udp -m udp --dport 30080:30111 -j KUBE-EXT-NP-30080-30111'],
  ]);
});

test('the highest port has the longest name, which the kernel can still hold', () => {
  const { id, path } = portLeaf(PORTS, { protocol: 'tcp', port: 65_535 });
  expect(id).toBe('filter KUBE-EXT-NP-65504-65535');
  for (const { object } of path) expect(object.slice('filter '.length).length).toBeLessThanOrEqual(28);
});
