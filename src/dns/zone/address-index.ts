import type { Octets } from '../../model/dns-octets.ts';

/** Address → those who have it. Nearly every address has one owner, and then there is no list for it. */
export class AddressIndex<T extends object> {
  readonly #owners = new Map<Octets, T | T[]>();

  get(address: Octets): readonly T[] {
    const found = this.#owners.get(address);
    if (found === undefined) return [];
    return Array.isArray(found) ? found : [found];
  }

  add(address: Octets, owner: T): void {
    const found = this.#owners.get(address);
    if (found === undefined) this.#owners.set(address, owner);
    else if (Array.isArray(found)) found.push(owner);
    else this.#owners.set(address, [found, owner]);
  }

  /** Once for each {@link add}. */
  remove(address: Octets, owner: T): void {
    const found = this.#owners.get(address);
    if (found === owner) this.#owners.delete(address);
    if (!Array.isArray(found)) return;
    found.splice(found.indexOf(owner), 1);
    const [last] = found;
    if (found.length === 1 && last !== undefined) this.#owners.set(address, last);
  }
}
