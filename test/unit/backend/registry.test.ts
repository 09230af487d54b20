import { describe, expect, test } from 'vitest';
import { backendNamed, BACKENDS } from '../../../src/backend/registry.ts';

describe.each(BACKENDS)('the backend $name', (backend) => {
  test.each(['name', 'proxyMode'] as const)('is found by its %s', (word) => {
    expect(backendNamed(backend[word])).toBe(backend);
  });
});

test('an unknown name is an error that lists the known ones', () => {
  expect(() => backendNamed('ebtables')).toThrow(
    expect.objectContaining({ code: 'bad-config', hint: expect.stringContaining('nft (nftables)') }),
  );
});
