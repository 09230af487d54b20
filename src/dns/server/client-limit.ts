interface Bucket {
  tokens: number;
  atMs: number;
}

/** More clients than this at a time, and those who have been quiet are forgotten. */
const MAX_CLIENTS = 10_000;

/** A share of queries per second and client: a burst of one second's worth, then a steady flow. */
export class ClientLimit {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** May this client ask now? Counts as a question when it may. */
  admits(client: string, nowMs: number): boolean {
    const bucket = this.#bucketOf(client, nowMs);
    const regained = ((nowMs - bucket.atMs) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + regained);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }

  #bucketOf(client: string, nowMs: number): Bucket {
    const known = this.#buckets.get(client);
    if (known !== undefined) return known;
    if (this.#buckets.size >= MAX_CLIENTS) this.#forgetQuiet(nowMs);
    const bucket = { tokens: this.#perSecond, atMs: nowMs };
    this.#buckets.set(client, bucket);
    return bucket;
  }

  /** Whoever said nothing for a second has a full bucket, so forgetting them changes nothing; else the oldest goes. */
  #forgetQuiet(nowMs: number): void {
    for (const [client, { atMs }] of this.#buckets) if (nowMs - atMs >= 1000) this.#buckets.delete(client);
    if (this.#buckets.size < MAX_CLIENTS) return;
    for (const client of this.#buckets.keys()) {
      this.#buckets.delete(client);
      return;
    }
  }
}
