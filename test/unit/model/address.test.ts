import * as fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { expect, test } from 'vitest';
import type { IpAddress } from '../../../src/model/address.ts';
import { isUnusableAsEndpoint, parseIpAddress } from '../../../src/model/address.ts';

test.each([
  ['10.96.0.1', '10.96.0.1'],
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['010.001.0.00', '10.1.0.0'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:DB8:0::1', '2001:db8::1'],
  ['10.0.0', undefined],
  ['10.0.0.1.2', undefined],
  ['10.0.0.256', undefined],
  ['10..0.1', undefined],
  ['.10.0.0.1', undefined],
  ['10.0.0.1.', undefined],
  ['10.0.0.1 ', undefined],
  ['10.0.0.١', undefined],
  ['1e1.0.0.1', undefined],
  ['', undefined],
  ['fe80::1%eth0', undefined],
])('%j is %s', (text, want) => {
  expect(parseIpAddress(text)).toBe(want);
});

test('an IPv4 address is unusable for endpoints in the ranges that ipaddr.js knows', () => {
  const octet = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 127, 169, 223, 224, 239, 240, 254));
  const unusable = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast']);
  fc.assert(
    fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
      const text = octets.join('.');
      expect(isUnusableAsEndpoint(text as IpAddress)).toBe(unusable.has(ipaddr.parse(text).range()));
    }),
    { numRuns: 2000 },
  );
});
