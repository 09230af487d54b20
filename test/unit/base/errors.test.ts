import { describe, expect, test } from 'vitest';
import { assertNever, ERRORS, SluiceError, toSluiceError } from '../../../src/base/errors.ts';

describe('SluiceError', () => {
  test('carries everything that it is given', () => {
    const cause = new Error('below');
    const error = new SluiceError({ code: 'bad-config', message: 'no', hint: 'do', cause, data: { line: 3 } });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe('SluiceError');
    expect(error).toMatchObject({ code: 'bad-config', message: 'no', hint: 'do', data: { line: 3 } });
    expect(error.cause).toBe(cause);
  });

  test('has no cause, no hint and no data unless given', () => {
    const error = new SluiceError({ code: 'internal', message: 'no' });
    expect(Object.hasOwn(error, 'cause')).toBe(false);
    expect([error.hint, error.data]).toEqual([undefined, {}]);
  });
});

test('error codes are sorted', () => {
  const codes = Object.keys(ERRORS);
  expect(codes.toSorted()).toEqual(codes);
});

describe('toSluiceError', () => {
  test('lets one of ours through', () => {
    const error = new SluiceError({ code: 'lock-busy', message: 'wait' });
    expect(toSluiceError(error)).toBe(error);
  });

  test.each([
    ['an error', new TypeError('x is undefined'), 'x is undefined'],
    ['text', 'oops', 'oops'],
    ['nothing', undefined, 'undefined'],
  ])('calls %s an internal error', (_name, thrown, message) => {
    expect(toSluiceError(thrown)).toMatchObject({ code: 'internal', message, hint: expect.stringContaining('bug') });
    expect(toSluiceError(thrown).cause).toBe(thrown);
  });
});

test('assertNever names the value that should not be', () => {
  expect(() => assertNever('surprise' as never)).toThrow('unexpected value "surprise"');
});
