import { CLASS_IN, FLAG } from './constants.ts';
import type { NameKey } from './name.ts';
import { MessageWriter } from './writer.ts';

/** A query of our own, with RD and without EDNS. Its id is 0: whoever sends it puts a random one there. */
export function composeQuery(name: NameKey, type: number): Buffer {
  const writer = new MessageWriter();
  for (const word of [0, FLAG.recursionDesired, 1, 0, 0, 0]) writer.word(word);
  writer.latin1(name);
  writer.word(type);
  writer.word(CLASS_IN);
  return Buffer.from(writer.bytes);
}
