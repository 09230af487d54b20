import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSplitter } from '../../../src/source/line-splitter.ts';
import { ListSplitter } from '../../../src/source/resource-list.ts';

/** The text in pieces of at least one byte. */
function pieces(text: string, sizes: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const found: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    found.push(bytes.subarray(at, at + size));
    at += size;
  }
  return found;
}

const SIZES = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 10 });

function split(text: string, sizes: readonly number[] = [7]) {
  const splitter = new ListSplitter();
  const items = pieces(text, sizes).flatMap((piece) => splitter.push(piece));
  return { items: items.map((item) => JSON.parse(item) as unknown), end: () => splitter.end() };
}

describe('ListSplitter', () => {
  test('any list in any pieces gives its items', () => {
    const item = fc.dictionary(fc.string(), fc.jsonValue());
    const more = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
    fc.assert(
      fc.property(fc.array(item), more, SIZES, fc.boolean(), (items, next, sizes, pretty) => {
        const list = { kind: 'List', metadata: { resourceVersion: '12', continue: next }, items };
        const found = split(JSON.stringify(list, undefined, pretty ? 2 : 0), sizes);
        expect(found.items).toEqual(JSON.parse(JSON.stringify(items)));
        expect(found.end()).toEqual({ version: '12', next: next ?? '' });
      }),
    );
  });

  test('what comes after the items counts too', () => {
    const { items, end } = split('{"items":[{"a":"]}"},{"b":[{}]}],"metadata":{"resourceVersion":"3","x":[1]}}');
    expect(items).toEqual([{ a: ']}' }, { b: [{}] }]);
    expect(end()).toEqual({ version: '3', next: '' });
  });

  test('an empty list may be null', () => {
    expect(split('{"metadata":{"resourceVersion":"3"},"items":null}').end().version).toBe('3');
  });

  test.each([
    '',
    'null',
    '<html></html>',
    '{"kind":"Status","metadata":{}}',
    '{"metadata":{"resourceVersion":"3"},"items":[{"a":1}',
    '{"metadata":{"resourceVersion":"3"},"items":[{"a":1}]',
    '{"metadata":{},"items":[]}',
    '{"metadata":{"resourceVersion":"3"}}',
  ])('is not complete: %s', (text) => {
    const { end } = split(text);
    expect(end).toThrow(expect.objectContaining({ code: 'api-garbled' }));
  });
});

describe('LineSplitter', () => {
  test('any text in any pieces gives its lines', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
    fc.assert(
      fc.property(fc.array(line), line, SIZES, (lines, rest, sizes) => {
        const splitter = new LineSplitter();
        const text = [...lines, rest].join('\n');
        expect(pieces(text, sizes).flatMap((piece) => splitter.push(piece))).toEqual(lines);
        expect(splitter.pendingBytes).toBe(Buffer.byteLength(rest));
      }),
    );
  });

  test('a line without end is refused before it fills the memory', () => {
    const splitter = new LineSplitter();
    const megabyte = Buffer.alloc(2 ** 20, 'x');
    const feed = () => {
      for (let i = 0; i < 40; i++) splitter.push(megabyte);
    };
    expect(feed).toThrow(expect.objectContaining({ code: 'api-garbled' }));
  });
});
