import type { Clock } from '../base/clock.ts';
import { assertNever, SluiceError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { ObjectEvent } from '../model/store.ts';
import { KnownObjects } from './known-objects.ts';
import { parseJson } from './parse-json.ts';
import type { Resource } from './resource.ts';
import { isOlder, kubeObject } from './resource.ts';
import type { WatchEvent } from './watch-event.ts';
import { decodeWatchEvent } from './watch-event.ts';

export interface CollectionOptions {
  readonly resource: Resource;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with what is new, at least one event. */
  readonly onEvents: (events: readonly ObjectEvent[]) => void;
  /** Called once, after the events of the first complete list. */
  readonly onSynced: () => void;
}

/** So many lists in a row may have something in them that cannot be understood before they are taken as they are. */
const GARBLED_LISTS = 3;

/**
 * What the server has, as told to the consumer: takes lists and watches in, gives events out. Whatever goes wrong, an
 * object's last known state stays until a complete list or a watch says otherwise.
 */
export class Collection {
  readonly #options: CollectionOptions;
  readonly #known = new KnownObjects();
  #version: string | undefined;
  /** The newest version there was, which a server that was not set back has reached. */
  #newest: string | undefined;
  #listing = false;
  #garbledInList = 0;
  #garbledLists = 0;
  #synced = false;
  #newestProofMs: number | undefined;
  /** How often objects were passed on, and things came that could not be understood. */
  readonly counts = { events: 0, garbled: 0, lists: 0 };
  /** Grows with every sign of life of a watch. */
  progress = 0;

  constructor(options: CollectionOptions) {
    this.#options = options;
  }

  /** Where a watch can go on; `undefined` when there has to be a list first. */
  get version(): string | undefined {
    return this.#version;
  }

  get listing(): boolean {
    return this.#listing;
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** When the server last said something that proves that nothing is missing; by the clock's `now()`. */
  get newestProofMs(): number | undefined {
    return this.#newestProofMs;
  }

  /** Asks for a list. */
  invalidate(): void {
    this.#version = undefined;
    this.#listing = false;
  }

  beginList(): void {
    this.invalidate();
    this.#listing = true;
    this.#garbledInList = 0;
    this.#known.beginList();
  }

  /** Texts of objects of the list under way. */
  takeItems(texts: readonly string[]): void {
    const { resource } = this.#options;
    const batch: ObjectEvent[] = [];
    for (const text of texts) {
      const object = kubeObject(parseJson(text), resource);
      if (object === undefined) this.#noteGarbled();
      else if (this.#known.putListed(object)) batch.push({ kind: resource.kind, name: object.name, json: object.json });
    }
    this.#emit(batch);
  }

  /** @throws {SluiceError} when the list cannot be relied on and has to be asked for again. */
  endList(version: string): void {
    const batch: ObjectEvent[] = [];
    const failure = this.#finish(version, batch);
    this.#emit(batch);
    this.#conclude(failure);
  }

  /**
   * Lines of a watch. Those that can be understood count, whatever the others are.
   *
   * @throws {SluiceError} when the watch cannot go on; there has to be a list then.
   */
  takeLines(lines: readonly string[]): void {
    const batch: ObjectEvent[] = [];
    let failure: SluiceError | undefined;
    for (const line of lines) {
      const event = decodeWatchEvent(line, this.#options.resource);
      const trouble = this.#takeEvent(event, batch, line);
      failure ??= trouble;
      if (event.type === 'ERROR') break;
    }
    this.#emit(batch);
    this.#conclude(failure);
  }

  /** The server has no such collection: nothing is in it. */
  clear(): void {
    this.beginList();
    this.endList('');
    this.invalidate();
  }

  #takeEvent(event: WatchEvent, batch: ObjectEvent[], line: string): SluiceError | undefined {
    switch (event.type) {
      case 'ERROR': {
        const { status, reason, message } = event;
        const text = `the watch of ${this.#what} ended: ${status} ${message}`;
        return new SluiceError({ code: 'api-refused', message: text, data: { status, reason } });
      }
      case 'garbled':
        this.#noteGarbled();
        return this.#listing ? undefined : this.#garbled(`an event of ${this.#what} cannot be understood`, line);
      case 'BOOKMARK':
        if (this.#listing) return event.endsInitial ? this.#finish(event.version, batch) : undefined;
        return this.#advance(event.version);
      case 'DELETED':
        if (this.#known.remove(event.object.name)) batch.push(this.#event(event.object.name, undefined));
        return this.#listing ? undefined : this.#advance(event.object.version, true);
      case 'ADDED':
      case 'MODIFIED': {
        const { object } = event;
        const behind = this.#listing ? undefined : this.#advance(object.version);
        if (behind !== undefined) return behind;
        const isNews = this.#listing ? this.#known.putListed(object) : this.#known.put(object);
        if (isNews) batch.push(this.#event(object.name, object.json));
        return undefined;
      }
      default:
        return assertNever(event);
    }
  }

  /** Moves on to a version. Deletions may carry the version that the object had before. */
  #advance(version: string, mayBeOld = false): SluiceError | undefined {
    const isBehind = this.#version !== undefined && isOlder(version, this.#version);
    if (isBehind && !mayBeOld) return this.#behind(version, this.#version);
    this.progress++;
    this.#newestProofMs = this.#options.clock.now();
    if (!isBehind) this.#version = version;
    this.#newest = this.#version;
    return undefined;
  }

  #finish(version: string, batch: ObjectEvent[]): SluiceError | undefined {
    this.#listing = false;
    if (this.#newest !== undefined && isOlder(version, this.#newest)) return this.#behind(version, this.#newest);
    if (this.#garbledInList === 0) {
      this.#garbledLists = 0;
      for (const name of this.#known.endList()) batch.push(this.#event(name, undefined));
    } else if (++this.#garbledLists < GARBLED_LISTS) {
      return this.#garbled(`a list of ${this.#what} has ${this.#garbledInList} objects that cannot be understood`);
    } else {
      const message = `a list of ${this.#what} has ${this.#garbledInList} objects that cannot be understood, again; what it lacks is kept`;
      this.#options.log.warn(message, { code: 'api-garbled' });
    }
    this.#version = version;
    this.#newest = version;
    this.#newestProofMs = this.#options.clock.now();
    this.counts.lists++;
    return undefined;
  }

  #emit(batch: readonly ObjectEvent[]): void {
    if (batch.length === 0) return;
    try {
      this.#options.onEvents(batch);
      this.counts.events += batch.length;
    } catch (thrown) {
      // The next list has to tell all of it again.
      for (const { name, json } of batch) if (json === undefined) this.#known.put({ name, version: '', json });
      this.#known.forgetVersions();
      this.invalidate();
      throw thrown;
    }
  }

  #conclude(failure: SluiceError | undefined): void {
    if (failure !== undefined) {
      this.invalidate();
      throw failure;
    }
    if (this.#synced || this.#version === undefined) return;
    this.#synced = true;
    this.#options.onSynced();
  }

  #event(name: string, json: unknown): ObjectEvent {
    return { kind: this.#options.resource.kind, name, json };
  }

  #noteGarbled(): void {
    this.counts.garbled++;
    if (this.#listing) this.#garbledInList++;
  }

  #garbled(message: string, text = ''): SluiceError {
    const excerpt = text.length > 80 ? `${text.slice(0, 80)}…` : text;
    return new SluiceError({ code: 'api-garbled', message, data: excerpt === '' ? {} : { excerpt } });
  }

  /** The server was set back, probably restored from a backup: equal versions do not mean equal objects any more. */
  #behind(version: string, before = ''): SluiceError {
    this.#known.forgetVersions();
    this.#newest = undefined;
    const message = `the server went back with its ${this.#what}, from version ${before} to ${version}`;
    return new SluiceError({ code: 'api-garbled', message, hint: 'expected when etcd was restored from a backup' });
  }

  get #what(): string {
    return `${this.#options.resource.kind} objects`;
  }
}
