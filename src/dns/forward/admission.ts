export interface AdmissionOptions {
  /** Questions that wait for an upstream, of all clients. */
  readonly maxConcurrent: number;
  readonly maxPerClient: number;
}

/** How many questions wait for an upstream: each costs memory and a socket, and nobody may have all of them. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #byClient = new Map<string, number>();
  #total = 0;
  #rejects = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  get rejects(): number {
    return this.#rejects;
  }

  /** @returns false when there are too many; otherwise {@link leave} has to follow. */
  enter(client: string): boolean {
    const own = this.#byClient.get(client) ?? 0;
    if (this.#total >= this.#options.maxConcurrent || own >= this.#options.maxPerClient) {
      this.#rejects++;
      return false;
    }
    this.#total++;
    this.#byClient.set(client, own + 1);
    return true;
  }

  leave(client: string): void {
    this.#total--;
    const own = (this.#byClient.get(client) ?? 0) - 1;
    if (own > 0) this.#byClient.set(client, own);
    else this.#byClient.delete(client);
  }
}
