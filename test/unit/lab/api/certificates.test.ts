import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority } from '../../../../src/lab/api/certificates.ts';

test('an authority issues certificates that are good for it, and for it only', () => {
  const [first, second] = [createAuthority(), createAuthority()];
  const issued = new X509Certificate(first.issue('node-1', 'system:nodes').cert);
  expect(issued.subject).toBe('O=system:nodes\nCN=node-1');
  expect(issued.subjectAltName).toContain('IP Address:127.0.0.1');
  expect(issued.verify(new X509Certificate(first.ca).publicKey)).toBe(true);
  expect(issued.verify(new X509Certificate(second.ca).publicKey)).toBe(false);
  expect(new X509Certificate(first.ca).ca).toBe(true);
});

test('base64 of any length makes good PEM', () => {
  const authority = createAuthority();
  const names = Array.from({ length: 64 }, (_, i) => 'n'.repeat(i + 1));
  for (const name of names) expect(new X509Certificate(authority.issue(name).cert).subject).toBe(`CN=${name}`);
});
