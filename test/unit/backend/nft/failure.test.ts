import { expect, test } from 'vitest';
import { nftFailure } from '../../../../src/backend/nft/failure.ts';

test.each([
  [
    '/dev/stdin:3:1-7: Error: Could not process rule: No such file or directory\n  x\n  ^\n',
    'kernel-refused',
    'Could not process rule: No such file or directory',
  ],
  ['Error: syntax error, unexpected newline\nadd\n', 'kernel-refused', 'syntax error, unexpected newline'],
  [
    'netlink: Error: Could not process rule: Message too long\n',
    'kernel-refused',
    'Could not process rule: Message too long',
  ],
  [
    'Error: Could not process rule: Operation not permitted\n',
    'permission-denied',
    'Could not process rule: Operation not permitted',
  ],
  ['Operation not permitted (you must be root)\n', 'permission-denied', 'Operation not permitted (you must be root)'],
  [
    'internal:0:0-0: Error: Could not process rule: Operation not supported\n',
    'kernel-unsupported',
    'Could not process rule: Operation not supported',
  ],
  ['Protocol not supported', 'kernel-unsupported', 'Protocol not supported'],
  ['\nsomething else\nmore\n', 'kernel-refused', 'something else'],
  ['', 'kernel-refused', ''],
])('%j is %s', (output, code, complaint) => {
  const error = nftFailure(output, 'write the rules');
  expect(error).toMatchObject({ code, hint: expect.stringMatching(/./), data: { output } });
  expect(error.message).toMatch(/^(?:nft|the kernel) (?:could not|cannot|may not) write the rules: /);
  expect(error.message.endsWith(`write the rules: ${complaint}`)).toBe(true);
});

test('what cannot be read is not a refusal', () => {
  expect(nftFailure('Error: Input/output error', 'read', 'rules-unreadable')).toMatchObject({
    code: 'rules-unreadable',
  });
  expect(nftFailure('Operation not permitted', 'read', 'rules-unreadable')).toMatchObject({
    code: 'permission-denied',
  });
});

test('only a batch that is too long says so', () => {
  expect(nftFailure('Error: Could not process rule: Message too long', 'x').data['tooLong']).toBe(true);
  expect(nftFailure('Error: too long a story', 'x').data['tooLong']).toBe(false);
});

test('long output is cut in the data', () => {
  expect(nftFailure('x'.repeat(9999), 'x').data['output']).toHaveLength(4000);
});
