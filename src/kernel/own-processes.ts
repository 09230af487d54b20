/** A starved listener may tell of a process long after it has ended, and a large load takes hundreds. */
const REMEMBERED = 4096;

/** More than are ever alive at once. */
const NEWEST = 32;

/**
 * The tools that write rules for us, by process id, which is also the address of their netlink sockets: what they write is
 * no foreign change.
 */
export class OwnProcesses {
  readonly #pids = new Set<number>();
  readonly #listeners = new Set<(pid: number) => void>();
  #started = 0;

  /** How many there were so far. */
  get started(): number {
    return this.#started;
  }

  /** The newest ones. */
  get pids(): readonly number[] {
    return [...this.#pids].slice(-NEWEST);
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** To be called before the process writes. */
  readonly add = (pid: number): void => {
    this.#started++;
    this.#pids.delete(pid);
    this.#pids.add(pid);
    const [oldest] = this.#pids;
    if (this.#pids.size > REMEMBERED && oldest !== undefined) this.#pids.delete(oldest);
    for (const listener of this.#listeners) listener(pid);
  };

  /** @returns what ends it. */
  onAdd(listener: (pid: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
