import { describe, expect, it } from 'vitest';
import type { Field } from '../../../src/model/fields.ts';
import { decodeObject, quote } from '../../../src/model/fields.ts';

const label = { kind: 'Thing', object: 'default/x' };
const seconds = { min: 1, max: 60, what: 'a number of seconds' };

function failure(json: unknown, read: (root: Field) => unknown): string | undefined {
  const { value, problems } = decodeObject(json, () => label, read);
  const [problem] = problems;
  if (problem === undefined) return undefined;
  expect(value).toBeUndefined();
  expect(problem).toMatchObject({ ...label, effect: 'skipped' });
  return `${problem.path}: ${problem.message}`;
}

describe('a wrong value skips the object, naming path and value', () => {
  const cases: readonly [string, unknown, (root: Field) => unknown, string | undefined][] = [
    ['string', { a: 5 }, (r) => r.get('a').string(), 'a: 5 is not a string'],
    ['boolean', { a: 'yes' }, (r) => r.get('a').boolean(), 'a: "yes" is not true or false'],
    ['integer too large', { a: 61 }, (r) => r.get('a').integer(seconds), 'a: 61 is not a number of seconds (1 to 60)'],
    ['integer as text', { a: '5' }, (r) => r.get('a').integer(seconds), 'a: "5" is not a number of seconds (1 to 60)'],
    ['fraction', { a: 1.5 }, (r) => r.get('a').integer(seconds), 'a: 1.5 is not a number of seconds (1 to 60)'],
    ['list', { a: {} }, (r) => r.get('a').items(), 'a: is not a list'],
    ['object', { a: [] }, (r) => r.get('a').get('b').string(), 'a: is not an object'],
    ['root', 'text', (r) => r.get('a').string(), ': "text" is not an object'],
    ['word', { a: 'c' }, (r) => r.get('a').oneOf(['x', 'y']), 'a: "c" is not one of x, y'],
    ['missing', {}, (r) => r.at('a', 'b').required((f) => f.string()), 'a.b: is missing'],
    ['in a list', { a: [{}, { b: 1 }] }, (r) => r.get('a').items()[1]?.get('b').string(), 'a[1].b: 1 is not a string'],
    ['odd key', { a: { 'x/y': 1 } }, (r) => r.at('a', 'x/y').string(), 'a["x/y"]: 1 is not a string'],
    ['inherited properties do not count', {}, (r) => r.get('constructor').string(), undefined],
  ];
  it.each(cases)('%s', (_name, json, read, expected) => {
    expect(failure(json, read)).toBe(expected);
  });
});

describe('absent and null read as nothing', () => {
  const reads: readonly [string, (field: Field) => unknown, unknown][] = [
    ['string', (f) => f.string(), undefined],
    ['boolean', (f) => f.boolean(), undefined],
    ['integer', (f) => f.integer(seconds), undefined],
    ['oneOf', (f) => f.oneOf(['x']), undefined],
    ['parsed', (f) => f.parsed(() => 1, 'x'), undefined],
    ['items', (f) => f.items(), []],
    ['get', (f) => f.get('deeper').present, false],
  ];
  it.each(reads)('%s', (_name, read, expected) => {
    expect(
      decodeObject(
        {},
        () => label,
        (root) => ({ got: read(root.get('a')) }),
      ),
    ).toEqual({
      value: { got: expected },
      problems: [],
    });
    expect(
      decodeObject(
        { a: null },
        () => label,
        (root) => read(root.get('a')),
      ).value,
    ).toEqual(expected);
  });
});

it('costs only the part inside attempt, and says where the object came from', () => {
  const { value, problems } = decodeObject(
    { a: [1, 'two', 3] },
    () => ({ ...label, origin: 'f.yaml:3' }),
    (root) =>
      root
        .get('a')
        .items()
        .map((item) => item.attempt((field) => field.integer(seconds))),
  );
  expect(value).toEqual([1, undefined, 3]);
  const message = '"two" is not a number of seconds (1 to 60)';
  expect(problems).toEqual([{ ...label, origin: 'f.yaml:3', path: 'a[1]', effect: 'ignored', message }]);
});

it('drops the notes of an object that is skipped after all: one object, one reason', () => {
  const { problems } = decodeObject(
    { a: 1 },
    () => label,
    (root) => {
      root.get('a').ignore('is odd');
      root.fail('is hopeless');
    },
  );
  expect(problems.map((problem) => problem.message)).toEqual(['is hopeless']);
});

it('lets bugs through', () => {
  expect(() =>
    decodeObject(
      {},
      () => label,
      () => {
        throw new TypeError('bug');
      },
    ),
  ).toThrow(TypeError);
});

it('quotes long and odd values on one short line', () => {
  expect(quote('a\nb"c')).toBe('"a\\nb\\"c"');
  expect(quote('x'.repeat(500))).toHaveLength(61);
  expect(quote(undefined)).toBe('undefined');
});
