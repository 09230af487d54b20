import type { NameKey } from './wire/name.ts';

/** A value for each of some zones; a name has that of the longest zone that it is in. */
export class ZoneTable<T> {
  readonly #values: ReadonlyMap<NameKey, T>;

  constructor(values: Iterable<readonly [zone: NameKey, value: T]>) {
    this.#values = new Map(values);
  }

  find(name: NameKey): { readonly zone: NameKey; readonly value: T } | undefined {
    for (let at = 0; at < name.length; at += name.charCodeAt(at) + 1) {
      const zone = name.slice(at);
      const value = this.#values.get(zone);
      if (value !== undefined) return { zone, value };
    }
    return undefined;
  }
}
