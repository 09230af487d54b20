/** Where a key is in a hash array mapped trie; see {@link file://./persistent-map.ts}. */

/** Of the hash, so many decide on each level. */
export const BITS = 5;
const MASK = (1 << BITS) - 1;

let lastKey = '';
let lastHash = computeHash(lastKey);

/** Whoever looks a key up often does it in several maps in a row, and then sets it: the last hash is kept. */
export function hashOf(key: string): number {
  if (key !== lastKey) {
    lastHash = computeHash(key);
    lastKey = key;
  }
  return lastHash;
}

/** FNV-1a with a final mix, over UTF-16 code units. Signed, because V8 keeps such numbers in the object itself. */
function computeHash(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** Which of 32 places a hash has on the level that begins at this bit, as a bit of the bitmap. */
export function bitAt(hash: number, shift: number): number {
  return 1 << ((hash >>> shift) & MASK);
}

function popCount(bits: number): number {
  let n = bits - ((bits >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Where the slot for this bit is, or belongs. */
export function slotIndex(bitmap: number, bit: number): number {
  return popCount(bitmap & (bit - 1));
}
