/** The same seed gives the same numbers, on every machine. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
}

/** Good enough for choosing what to change: xorshift with 32 bits (G. Marsaglia, "Xorshift RNGs", 2003). */
export function seededRandom(seed: number): Random {
  let bits = Math.imul(seed, 0x9e3779b1) | 1; // It would stay at 0 for ever.
  return {
    below(limit) {
      bits ^= bits << 13;
      bits ^= bits >>> 17;
      bits ^= bits << 5;
      return Math.floor(((bits >>> 0) / 2 ** 32) * limit);
    },
  };
}
