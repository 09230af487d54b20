import { describe, expect, it } from 'vitest';
import type { YamlContent } from '../../../src/base/yaml.ts';
import { parseYaml, yamlText } from '../../../src/base/yaml.ts';

function content(text: string, options?: Parameters<typeof parseYaml>[1]): YamlContent {
  const [document] = parseYaml(text, options);
  if (document?.problem === undefined && document !== undefined) return document;
  throw new Error(document?.problem?.message ?? 'no document');
}

describe('dialects', () => {
  const cases: readonly [string, unknown, unknown][] = [
    ['yes', 'yes', true],
    ['off', 'off', false],
    ['010', 10, 8],
    ['true', true, true],
    ['~', null, null],
    ['1.5', 1.5, 1.5],
  ];
  it.each(cases)('%s', (text, core, go) => {
    expect(content(`a: ${text}`).value).toEqual({ a: core });
    expect(content(`a: ${text}`, { dialect: 'go' }).value).toEqual({ a: go });
  });
});

it('takes JSON, tabs included', () => {
  expect(content('{\n\t"a": [1, "x"],\n\t"b": null\n}\n', { dialect: 'go' }).value).toEqual({ a: [1, 'x'], b: null });
});

it('takes several documents, and says which of them cannot be used', () => {
  const documents = parseYaml('a: 1\n---\nb: [1\n---\n# nothing\n');
  expect(documents[0]).toMatchObject({ value: { a: 1 }, offset: 0 });
  expect(documents[1]).toEqual({ problem: { offset: expect.any(Number), message: expect.stringMatching(/^[^\n]+$/) } });
});

it('says what is wrong with aliases', () => {
  expect(parseYaml('a: *b')).toEqual([{ problem: { offset: 0, message: expect.stringContaining('b') } }]);
});

describe('places', () => {
  const text = 'a:\n  b:\n    - x\n    - c: 1\n  d: {e: 2}\n';
  const cases: readonly [readonly (string | number)[], string | undefined][] = [
    [['a'], 'a:'],
    [['a', 'b'], 'b:'],
    [['a', 'b', 1], 'c: 1'],
    [['a', 'b', 1, 'c'], 'c: 1'],
    [['a', 'd', 'e'], 'e: 2'],
    [['a', 'x'], undefined],
    [['a', 'b', 'c'], undefined],
    [['a', 'b', 0, 'c'], undefined],
  ];
  it.each(cases)('%j', (path, found) => {
    const offset = content(text).offsetOf(path);
    expect(offset === undefined ? undefined : text.slice(offset).startsWith(found ?? '?')).toBe(
      found === undefined ? undefined : true,
    );
  });
});

describe('keys given twice', () => {
  const text = 'a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\na: 2\n';
  it('are refused', () => {
    expect(parseYaml(text)[0]?.problem?.message).toMatch(/unique/);
  });

  it('or reported, when the last counts', () => {
    const { value, duplicates } = content(text, { duplicates: 'report' });
    expect(value).toEqual({ a: 2, b: [{ c: 3, d: 2 }] });
    expect(duplicates.map(({ path, offset }) => [path.join('.'), text.slice(offset, offset + 4)])).toEqual([
      ['a', 'a: 2'],
      ['b.0.c', 'c: 3'],
    ]);
  });
});

it('writes what Kubernetes reads as the same', () => {
  const value = { a: 'on', b: '010', c: true, d: ['x: y', ''], e: {}, f: null, long: 'word '.repeat(50) };
  expect(content(yamlText(value), { dialect: 'go' }).value).toEqual(value);
});
