import { isIP } from 'node:net';
import { expect, it } from 'vitest';
import { interfaceAddresses } from '../../../src/kernel/interfaces.ts';

it('gives addresses without zones, each once', () => {
  const addresses = interfaceAddresses();
  expect(addresses.filter((address) => isIP(address) === 0 || address.includes('%'))).toEqual([]);
  expect(addresses).toEqual([...new Set(addresses)]);
});
