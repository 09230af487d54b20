import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { equalData } from '../../../src/base/equal.ts';

test.each<[string, unknown, unknown, boolean]>([
  ['equal numbers', 1, 1, true],
  ['NaN and itself', Number.NaN, Number.NaN, true],
  ['0 and -0', 0, -0, false],
  ['a number and its text', 1, '1', false],
  ['null and itself', null, null, true],
  ['null and an object', null, {}, false],
  ['null and undefined', null, undefined, false],
  ['a boolean and a number', true, 1, false],
  ['equal lists', [1, [2]], [1, [2]], true],
  ['lists in another order', [1, 2], [2, 1], false],
  ['a list and its beginning', [1, 2], [1], false],
  ['a list and an object with its indices', [1], { 0: 1 }, false],
  ['an object with indices and a list', { 0: 1 }, [1], false],
  ['an undefined item and none', [undefined], [], false],
  ['properties in another order', { a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ['a property more on the left', { a: 1, b: 2 }, { a: 1 }, false],
  ['a property more on the right', { a: 1 }, { a: 1, b: 2 }, false],
  ['an undefined property and none', { a: 1, b: undefined }, { a: 1 }, true],
  ['no property and an undefined one', { a: 1 }, { a: 1, b: undefined }, true],
  ['nested objects that differ', { a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 3 }] } }, false],
])('%s', (_name, a, b, same) => {
  expect(equalData(a, b)).toBe(same);
});

test('agrees with the text of canonical JSON', () => {
  const data = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, fc.nat(2), fc.constantFrom('', 'a'), fc.boolean(), tie('list'), tie('object')),
    list: fc.array(tie('value'), { maxLength: 3 }),
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  })).value;
  const canonical = (value: unknown): string =>
    JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
        : part,
    );
  fc.assert(
    fc.property(data, data, (a, b) => {
      expect(equalData(a, b)).toBe(canonical(a) === canonical(b));
      expect(equalData(a, structuredClone(a))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
