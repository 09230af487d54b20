import { array, assert, integer, nat, property, string, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodeName,
  isUnder,
  joinLabels,
  labelsOf,
  nameText,
  readName,
  ROOT,
  skipName,
} from '../../../../src/dns/wire/name.ts';

const label = string({
  unit: integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
  minLength: 1,
  maxLength: 20,
});

describe('names', () => {
  test.each([
    ['www.Example.org', '\x03www\x07example\x03org\0'],
    ['www.example.org.', '\x03www\x07example\x03org\0'],
    ['.', ROOT],
    [String.raw`a\.b.c`, '\x03a.b\x01c\0'],
    [String.raw`a\000\255.c`, '\x03a\0\xff\x01c\0'],
    [String.raw`end\.`, '\x04end.\0'],
    [String.raw`end\\.`, '\x04end\\\0'],
    ['\\\\.', '\x01\\\0'],
    ['x'.repeat(63), `\x3f${'x'.repeat(63)}\0`],
  ])('%j is %j', (text, key) => expect(encodeName(text)).toBe(key));

  test.each(['', '..', 'a..b', '.a', 'x'.repeat(64), 'x.'.repeat(128), 'caf\u0142', String.raw`\300`])(
    '%j is no name',
    (text) => {
      expect(encodeName(text)).toBeUndefined();
    },
  );

  test('the longest name has 255 octets', () => {
    expect(encodeName('x.'.repeat(127))).toHaveLength(255);
  });

  test('what text cannot show is escaped', () => {
    expect(nameText('\x04a.b \x01\x07\0')).toBe(String.raw`a\.b\032.\007.`);
    expect(nameText(ROOT)).toBe('.');
  });

  test('text and labels survive the way there and back', () => {
    assert(
      property(array(label, { minLength: 1, maxLength: 6 }), (labels) => {
        const key = joinLabels(labels) ?? '';
        expect(encodeName(nameText(key))).toBe(key);
        expect(joinLabels(labelsOf(key))).toBe(key);
      }),
    );
  });

  test('being under a zone is a matter of whole labels', () => {
    const zone = '\x07cluster\x05local\0';
    expect(isUnder(zone, zone)).toBe(true);
    expect(isUnder(`\x01a${zone}`, zone)).toBe(true);
    expect(isUnder('\x09mycluster\x05local\0', zone)).toBe(false);
    expect(isUnder(`\x0ea${zone}`.replace(/\0$/, '\0'), zone)).toBe(false);
    expect(isUnder('\x05local\0', zone)).toBe(false);
    expect(isUnder(zone, ROOT)).toBe(true);
  });
});

describe('names in messages', () => {
  const message = Buffer.from('\x03wWw\x02de\0\x01a\xc0\x04\xc0\x08', 'latin1');

  test('pointers are followed, case is folded', () => {
    expect(readName(message, 0)).toEqual({ name: '\x03www\x02de\0', end: 8 });
    expect(readName(message, 8)).toEqual({ name: '\x01a\x02de\0', end: 12 });
    expect(readName(message, 12)).toEqual({ name: '\x01a\x02de\0', end: 14 });
    expect(skipName(message, 8)).toBe(12);
  });

  test.each([
    ['a pointer to itself', '\xc0\0', 0],
    ['two pointers in a circle', '\xc0\x02\xc0\0', 2],
    ['a pointer ahead', '\xc0\x02\0', 0],
    ['the message ends inside a label', '\x05ab', 0],
    ['the message ends before the root', '\x01a', 0],
    ['the message ends inside a pointer', '\x01a\xc0', 0],
    ['an unknown kind of label', '\x41a\0', 0],
    ['a start after the end', 'a', 7],
  ])('%s is no name', (_what, text, offset) => {
    expect(readName(Buffer.from(text, 'latin1'), offset)).toBeUndefined();
  });

  test('no more than 255 octets come together', () => {
    const long = Buffer.concat([
      Buffer.from(`\x3f${'a'.repeat(63)}`.repeat(3)),
      Buffer.from(`\x3d${'b'.repeat(61)}\0`),
    ]);
    expect(readName(long, 0)?.name).toHaveLength(255);
    expect(readName(Buffer.concat([long, Buffer.from('\x01a\xc0\0', 'latin1')]), 255)).toBeUndefined();
  });

  test('any octets end, one way or the other', () => {
    assert(
      property(uint8Array({ maxLength: 600 }), nat(600), (octets, offset) => {
        const found = readName(octets, offset);
        if (found !== undefined) expect(found.end).toBe(skipName(octets, offset));
        else expect(found).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });
});
