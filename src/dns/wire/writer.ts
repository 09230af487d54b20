import { MAX_MESSAGE_BYTES } from './constants.ts';
import type { NameKey } from './name.ts';

/** Offsets that fit into the 14 bits of a pointer. */
const MAX_POINTER = 0x3f_ff;

/**
 * Puts a message together, octet by octet, into a buffer that grows. Names may be compressed against the names written
 * before (RFC 1035, 4.1.4). It never fails; whoever wrote too much says {@link rewind}.
 */
export class MessageWriter {
  #buffer: Buffer;
  #length = 0;
  /** Names that a pointer can lead to, by folded name. */
  readonly #offsets = new Map<NameKey, number>();

  /** @param capacity octets to begin with. */
  constructor(capacity = 512) {
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** A view; the next write may change it. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  octet(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  word(value: number): void {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16BE(value, this.#length);
  }

  /** Thirty-two bits. */
  long(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  /** Overwrites a word, such as a count in the header. */
  patchWord(at: number, value: number): void {
    this.#buffer.writeUInt16BE(value, at);
  }

  append(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#buffer.set(octets, this.#length);
    this.#length += octets.length;
  }

  /** One octet per character. */
  latin1(text: string): void {
    this.#reserve(text.length);
    this.#length += this.#buffer.write(text, this.#length, 'latin1');
  }

  /** Declares that a name stands in the message already, with all its parents: a question, for example. */
  know(name: NameKey, offset: number): void {
    for (let at = 0; name.charCodeAt(at) > 0; at += name.charCodeAt(at) + 1) {
      const rest = at === 0 ? name : name.slice(at);
      if (offset + at <= MAX_POINTER && !this.#offsets.has(rest)) this.#offsets.set(rest, offset + at);
    }
  }

  /** A name, compressed as far as possible; later names may point to it. */
  name(name: NameKey): void {
    let at = 0;
    while (name.charCodeAt(at) > 0 && !this.#offsets.has(at === 0 ? name : name.slice(at))) {
      at += name.charCodeAt(at) + 1;
    }
    const offset = this.#offsets.get(name.slice(at));
    const start = this.#length;
    this.latin1(name.slice(0, at));
    if (offset === undefined) this.octet(0);
    else this.word(0xc0_00 | offset);
    this.know(name, start);
  }

  /** A name in full: RDATA of SRV (RFC 2782) and of all types after RFC 1035 (RFC 3597, 4). Later names may point to it. */
  plainName(name: NameKey): void {
    this.know(name, this.#length);
    this.latin1(name);
  }

  /** Takes back everything from `length` on. */
  rewind(length: number): void {
    this.#length = length;
    for (const [name, offset] of this.#offsets) if (offset >= length) this.#offsets.delete(name);
  }

  #reserve(octets: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#buffer.length * 2, 2 * MAX_MESSAGE_BYTES)));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
