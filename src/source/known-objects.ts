import type { ObjectName } from '../model/service.ts';
import type { KubeObject } from './resource.ts';

/**
 * What the consumer was told exists: names and versions, no content. With it a list becomes events: what is new or
 * changed, and what is gone although nobody said so.
 */
export class KnownObjects {
  readonly #versions = new Map<ObjectName, string>();
  /** Names that the list under way has had so far. */
  #listed = new Set<ObjectName>();

  get size(): number {
    return this.#versions.size;
  }

  /** Notes that the object exists. @returns whether this is news. */
  put({ name, version }: KubeObject): boolean {
    const isNews = this.#versions.get(name) !== version;
    if (isNews) this.#versions.set(name, version);
    return isNews;
  }

  /** @returns whether it was there. */
  remove(name: ObjectName): boolean {
    this.#listed.delete(name);
    return this.#versions.delete(name);
  }

  beginList(): void {
    this.#listed = new Set();
  }

  /** {@link put}, for an object of the list under way. */
  putListed(object: KubeObject): boolean {
    this.#listed.add(object.name);
    return this.put(object);
  }

  /** Ends the list under way. @returns the names that were known and not in it, which are forgotten. */
  endList(): readonly ObjectName[] {
    const gone = [...this.#versions.keys()].filter((name) => !this.#listed.has(name));
    for (const name of gone) this.#versions.delete(name);
    this.#listed = new Set();
    return gone;
  }

  /** Makes every object news again, for when versions cannot be trusted. */
  forgetVersions(): void {
    for (const name of this.#versions.keys()) this.#versions.set(name, '');
  }
}
