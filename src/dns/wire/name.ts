import { MAX_LABEL_BYTES, MAX_NAME_BYTES } from './constants.ts';

/**
 * A name as it is on the wire, uncompressed, ASCII letters in lower case (RFC 4343), one character per octet, the empty
 * root label at the end: `\x03www\x02de\x00`. Being text it can be the key of a Map, and unlike dotted text it cannot
 * confuse a dot inside a label with one between labels.
 */
export type NameKey = string;

export const ROOT: NameKey = '\0';

/** More hops than a name has labels cannot be needed. */
const MAX_POINTERS = 126;

const LOWER_CASE_BIT = 0x20;

/** ASCII upper case to lower case; all other octets stay (RFC 4343). */
export function foldOctet(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | LOWER_CASE_BIT : octet;
}

/**
 * `www.example.org` or `www.example.org.`, with `\.` and `\DDD` as in zone files (RFC 4343, 2.1).
 *
 * @returns `undefined` when it is no name: an empty label, a label of more than 63 octets, more than 255 in all.
 */
export function encodeName(text: string): NameKey | undefined {
  if (text === '.') return ROOT;
  const labels: string[] = [];
  let label = '';
  let last = '';
  for (const [token, octet] of text.matchAll(/\\(\d{3})|\\[^\d]|[^\\]/gs)) {
    last = token;
    if (token === '.') {
      labels.push(label);
      label = '';
    } else if (octet === undefined) label += token.at(-1);
    else label += String.fromCharCode(Number(octet));
  }
  // After the final dot comes the root, which joinLabels adds.
  if (last !== '.') labels.push(label);
  return joinLabels(labels);
}

/** Labels, octet by octet as text, to a name. @returns `undefined` when that is no name. */
export function joinLabels(labels: readonly string[]): NameKey | undefined {
  let key = '';
  for (const label of labels) {
    if (label.length === 0 || label.length > MAX_LABEL_BYTES) return undefined;
    key += String.fromCharCode(label.length);
    for (let i = 0; i < label.length; i++) {
      const octet = label.charCodeAt(i);
      if (octet > 0xff) return undefined;
      key += String.fromCharCode(foldOctet(octet));
    }
  }
  return key.length + 1 > MAX_NAME_BYTES ? undefined : `${key}\0`;
}

/** The labels from left to right, without the root. */
export function labelsOf(name: NameKey): readonly string[] {
  const labels: string[] = [];
  for (let at = 0; name.charCodeAt(at) > 0; at += name.charCodeAt(at) + 1) {
    labels.push(name.slice(at + 1, at + 1 + name.charCodeAt(at)));
  }
  return labels;
}

/** Presentation text with the final dot; octets that text cannot show are `\DDD`, dots inside labels `\.`. */
export function nameText(name: NameKey): string {
  return `${labelsOf(name).map(labelText).join('.')}.`;
}

function labelText(label: string): string {
  return label
    .replace(/[.\\"$;@()]/g, String.raw`\$&`)
    .replace(/[^!-~]/g, (octet) => `\\${String(octet.charCodeAt(0)).padStart(3, '0')}`);
}

/** Is `name` the zone itself, or below it? Whole labels only. */
export function isUnder(name: NameKey, zone: NameKey): boolean {
  if (!name.endsWith(zone)) return false;
  const start = name.length - zone.length;
  let at = 0;
  while (at < start) at += name.charCodeAt(at) + 1;
  return at === start;
}

/** A name is put together here: a large message has thousands. */
const found = Buffer.alloc(MAX_NAME_BYTES);

/** A name in a message, and where it ends. */
export interface FoundName {
  readonly name: NameKey;
  /** The octet after the name where it stands, not where a pointer leads. */
  readonly end: number;
}

/**
 * A name in somebody else's message, pointers followed. Every pointer has to lead further back than the one before, so no
 * message can keep the reader busy (RFC 1035, 4.1.4 allows "a prior occurrence" only).
 *
 * @returns `undefined` when it is no name.
 */
export function readName(message: Uint8Array, offset: number): FoundName | undefined {
  let size = 0;
  let at = offset;
  let end = -1;
  let barrier = offset;
  for (let pointers = 0; pointers <= MAX_POINTERS; ) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length > MAX_LABEL_BYTES) {
      const low = message[at + 1];
      if (length < 0xc0 || low === undefined) return undefined;
      if (end < 0) end = at + 2;
      at = ((length & 0x3f) << 8) | low;
      if (at >= barrier) return undefined;
      barrier = at;
      pointers++;
      continue;
    }
    const next = at + length + 1;
    if (next > message.length || size + length + (length === 0 ? 1 : 2) > MAX_NAME_BYTES) return undefined;
    // Length octets are below the letters: folding leaves them.
    for (; at < next; at++) found[size++] = foldOctet(message[at] ?? 0);
    if (length === 0) return { name: found.toString('latin1', 0, size), end: end < 0 ? next : end };
  }
  return undefined;
}

/** The octet after a name, pointers not followed. @returns -1 when the message ends before the name does. */
export function skipName(message: Uint8Array, offset: number): number {
  let at = offset;
  while (at < message.length) {
    const length = message[at] ?? 0;
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2 <= message.length ? at + 2 : -1;
    if (length > MAX_LABEL_BYTES) return -1;
    at += length + 1;
  }
  return -1;
}
