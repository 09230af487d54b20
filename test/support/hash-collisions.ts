/** The hash that PersistentMap uses: FNV-1a over UTF-16 code units with a final mix. */
const FNV_PRIME = 0x01000193;

function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

function mixed(text: string): number {
  let hash = fnv(text);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** 1 / FNV_PRIME modulo 2^32. */
const FNV_INVERSE = 0x359c449b;

/** Different keys whose 32 bits of hash are all equal: two free characters are enough to reach any hash from most prefixes. */
export function collidingKeys(count: number): readonly string[] {
  const keys = ['the one that others collide with'];
  const target = Math.imul(fnv(keys[0] ?? ''), FNV_INVERSE);
  for (let n = 0; keys.length < count; n++) {
    const prefix = `key ${n} `;
    const start = fnv(prefix);
    for (let first = 0; first < 0x10000; first++) {
      const second = target ^ Math.imul(start ^ first, FNV_PRIME);
      if (second >>> 16 !== 0) continue;
      keys.push(prefix + String.fromCharCode(first, second));
      break;
    }
  }
  return keys;
}

/** Keys whose hashes agree in the low `bits`, so that a trie has to go that deep to tell them apart. */
export function nearlyCollidingKeys(count: number, bits: number): readonly string[] {
  const mask = 2 ** bits - 1;
  const wanted = mixed('0') & mask;
  const keys: string[] = [];
  for (let n = 0; keys.length < count; n++) if ((mixed(`${n}`) & mask) === wanted) keys.push(`${n}`);
  return keys;
}
