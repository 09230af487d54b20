import { expect, test } from 'vitest';
import { encodeName, readName } from '../../../../src/dns/wire/name.ts';
import { MessageWriter } from '../../../../src/dns/wire/writer.ts';

const name = (text: string): string => encodeName(text) ?? '';

test('names point to what was written before', () => {
  const writer = new MessageWriter(4);
  writer.name(name('a.example.org'));
  writer.name(name('b.Example.org'));
  writer.plainName(name('c.example.org'));
  writer.name(name('d.c.example.org'));
  writer.name(name('.'));
  const message = writer.bytes;
  const texts: string[] = [];
  for (let at = 0; at < message.length; ) {
    const found = readName(message, at);
    if (found === undefined) throw new Error(`no name at ${at}`);
    texts.push(found.name);
    at = found.end;
  }
  expect(texts).toEqual(['a.example.org', 'b.example.org', 'c.example.org', 'd.c.example.org', '.'].map(name));
  expect(message).toHaveLength(15 + 4 + 15 + 4 + 1);
});

test('a name that was taken back is not pointed to', () => {
  const writer = new MessageWriter();
  writer.name(name('org'));
  writer.name(name('example.org'));
  writer.rewind(5);
  writer.name(name('example.org'));
  writer.name(name('example.org'));
  expect(readName(writer.bytes, 5)?.name).toBe(name('example.org'));
  expect(readName(writer.bytes, 15)?.name).toBe(name('example.org'));
  expect(writer.bytes).toHaveLength(17);
});

test('numbers are big-endian, counts can be patched', () => {
  const writer = new MessageWriter(1);
  writer.word(0x0102);
  writer.octet(3);
  writer.long(0x04050607);
  writer.append(new Uint8Array([8, 9]));
  writer.patchWord(0, 0xaabb);
  expect([...writer.bytes]).toEqual([0xaa, 0xbb, 3, 4, 5, 6, 7, 8, 9]);
});

test('names beyond the reach of a pointer are written in full', () => {
  const writer = new MessageWriter();
  writer.append(new Uint8Array(0x4000));
  writer.name(name('org'));
  writer.name(name('org'));
  expect(writer.length).toBe(0x4000 + 10);
});
