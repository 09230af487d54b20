interface Flight<T> {
  readonly result: Promise<T>;
  waiters: number;
}

/**
 * One question to the upstream at a time for all who ask the same. This also ends loops: a question that comes back to us
 * from an upstream waits for itself, and both fail when the time is up.
 */
export class Flights<T> {
  readonly #maxWaiters: number;
  readonly #flights = new Map<string, Flight<T>>();

  constructor(maxWaiters: number) {
    this.#maxWaiters = maxWaiters;
  }

  /**
   * @param start is called when nobody has asked yet; it must not reject.
   * @returns `undefined` when too many wait already.
   */
  join(key: string, start: () => Promise<T>): Promise<T> | undefined {
    const known = this.#flights.get(key);
    if (known !== undefined) return known.waiters++ < this.#maxWaiters ? known.result : undefined;
    const land = async (): Promise<T> => {
      try {
        return await start();
      } finally {
        this.#flights.delete(key);
      }
    };
    const flight = { result: land(), waiters: 1 };
    this.#flights.set(key, flight);
    return flight.result;
  }
}
