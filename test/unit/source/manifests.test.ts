import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/base/errors.ts';
import { parseManifest } from '../../../src/source/manifests.ts';

const service = (name: string) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name } });
const yaml = (name: string) => `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\n`;

describe('finds the objects and where they begin', () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: b}\n`;
  const typed = `apiVersion: v1\nkind: ServiceList\nitems:\n- metadata:\n    name: a\n`;
  const cases: readonly [string, string, readonly [string, string][]][] = [
    ['one document', yaml('a'), [['default/a', 'f:1']]],
    [
      'two documents',
      `${yaml('a')}---\n${yaml('b')}`,
      [
        ['default/a', 'f:1'],
        ['default/b', 'f:6'],
      ],
    ],
    [
      'a leading marker and comments',
      `# x\n\n---\n# y\n${yaml('a')}--- # z\n${yaml('b')}---\n`,
      [
        ['default/a', 'f:5'],
        ['default/b', 'f:10'],
      ],
    ],
    [
      'an end marker',
      `${yaml('a')}...\n---\n${yaml('b')}`,
      [
        ['default/a', 'f:1'],
        ['default/b', 'f:7'],
      ],
    ],
    ['a directive', `%YAML 1.2\n---\n${yaml('a')}`, [['default/a', 'f:3']]],
    [
      'a byte order mark and Windows lines',
      `\uFEFF${yaml('a').replaceAll('\n', '\r\n')}---\r\n${yaml('b')}`,
      [
        ['default/a', 'f:1'],
        ['default/b', 'f:6'],
      ],
    ],
    [
      'the same document twice',
      `${yaml('a')}---\n${yaml('a')}---\n${yaml('a')}`,
      [
        ['default/a', 'f:1'],
        ['default/a', 'f:6'],
        ['default/a', 'f:11'],
      ],
    ],
    [
      'a List',
      list,
      [
        ['default/a', 'f:4'],
        ['default/b', 'f:7'],
      ],
    ],
    ['a ServiceList', typed, [['default/a', 'f:4']]],
    ['an empty list', 'apiVersion: v1\nkind: List\nitems: []\n', []],
    ['JSON', JSON.stringify(service('a')), [['default/a', 'f:1']]],
    [
      'a List in JSON',
      JSON.stringify({ kind: 'List', items: [service('a'), service('b')] }),
      [
        ['default/a', 'f:items[0]'],
        ['default/b', 'f:items[1]'],
      ],
    ],
    ['YAML that begins like JSON', '{apiVersion: v1, kind: Service, metadata: {name: a}}', [['default/a', 'f:1']]],
    [
      'anchors and merge keys',
      `kind: List\nitems:\n- &x {apiVersion: v1, kind: Service, metadata: {name: a}}\n- <<: *x\n  metadata: {name: b}\n`,
      [
        ['default/a', 'f:3'],
        ['default/b', 'f:4'],
      ],
    ],
    ['other kinds', `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\nvalues: 5\n---\n- 1\n`, []],
    ['nothing', '\n# nothing\n---\n', []],
    ['empty', '', []],
  ];
  it.each(cases)('%s', (_name, text, expected) => {
    expect(parseManifest(text, 'f').objects.map(({ name, origin }) => [name, origin])).toEqual(expected);
  });
});

it('gives the items of typed lists the kind that the list says', () => {
  const text = JSON.stringify({
    apiVersion: 'v1',
    kind: 'ServiceList',
    items: [{ metadata: { name: 'a' }, spec: { x: 1 } }],
  });
  expect(parseManifest(text, 'f').objects[0]?.json).toEqual({ ...service('a'), spec: { x: 1 } });
});

it('reads text as YAML 1.2 does: only true and false are booleans', () => {
  const [object] = parseManifest(`${yaml('a')}spec: {a: yes, b: "1", c: 010, d: 2024-01-01T00:00:00Z}\n`, 'f').objects;
  expect(object?.json).toMatchObject({ spec: { a: 'yes', b: '1', c: 10, d: '2024-01-01T00:00:00Z' } });
});

describe('says where YAML is broken', () => {
  const cases: readonly [string, string, number, number, RegExp][] = [
    ['unclosed list', 'a: 1\nb: [\n', 3, 1, /Flow sequence/],
    ['in the second document', `${yaml('a')}---\nx: 1\n  y: 2\n`, 6, 4, /Nested mappings/],
    ['duplicate key', 'a: 1\nb: 2\na: 3\n', 3, 1, /Map keys must be unique/],
    ['tab', 'a:\n\tb: 1\n', 2, 1, /Tabs/],
    ['alias without an anchor', '---\na: 1\nb: *x\n', 2, 1, /Unresolved alias/],
    ['no object', '---\njust text\n', 2, 1, /not an object/],
    ['two JSON objects', '{"a": 1}\n{"b": 2}\n', 2, 1, /Unexpected/],
  ];
  it.each(cases)('%s', (_name, text, line, column, reason) => {
    const error = thrownBy(() => parseManifest(text, 'dir/f.yaml'));
    expect(error).toMatchObject({ code: 'bad-yaml', data: { file: 'dir/f.yaml', line, column } });
    expect(error.message).toMatch(new RegExp(`^dir/f.yaml:${line}:${column}: .*${reason.source}`));
    expect(error.message).not.toContain('\n');
  });
});

function thrownBy(action: () => unknown): SluiceError {
  try {
    action();
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown;
  }
  throw new Error('expected a SluiceError');
}

it('keeps the objects of documents that did not change, wherever they move to', () => {
  const first = parseManifest(`${yaml('a')}---\n${yaml('b')}`, 'f');
  const second = parseManifest(`${yaml('new')}---\n${yaml('b')}`, 'f', first.cache);
  expect(second.objects[1]?.json).toBe(first.objects[1]?.json);
  const moved = parseManifest(`# more\n# lines\n---\n${yaml('c')}---\n${yaml('b')}`, 'f', second.cache);
  expect(moved.objects[1]?.json).toBe(first.objects[1]?.json);
  expect(moved.objects[1]?.origin).toBe('f:9');
});
