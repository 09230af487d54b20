import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { equalData } from '../base/equal.ts';
import type { SluiceError } from '../base/errors.ts';
import { toSluiceError } from '../base/errors.ts';
import type { ObjectEvent } from '../model/store.ts';
import type { ManifestReader, Manifests } from './manifest-reader.ts';

export interface ManifestWatcherOptions {
  readonly reader: ManifestReader;
  /** Called with what differs from the time before: at least one event, deletions first, or else other problems. */
  readonly onChange: (events: readonly ObjectEvent[], manifests: Manifests) => void;
  /** Called once for each new reason why a file cannot be read; its last good state stays. */
  readonly onFailure: (failure: SluiceError) => void;
  /** How long to wait for the next change to come along with the first. */
  readonly debounceMs?: number;
  /** How often to look where the kernel cannot tell (no inotify watches left, odd file systems). */
  readonly pollMs?: number;
}

const DEFAULT_DEBOUNCE_MS = 20;
const DEFAULT_POLL_MS = 2000;
/** A file that never rests is read even so. */
const MAX_DEBOUNCE_MS = 500;
/** `kubectl get … > file` empties the file first and fills it when the server has answered. */
const EMPTIED_GRACE_MS = 1000;

/** Follows manifests: edits, editors that replace files, ConfigMap updates (a swapped link), files that come and go. */
export class ManifestWatcher {
  readonly #options: ManifestWatcherOptions;
  readonly #watches = new Map<string, FSWatcher>();
  #manifests: Manifests;
  #lastFailures: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #firstChangeMs: number | undefined;
  #poll: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param initial what the reader gave before; changes since then are reported soon after. */
  constructor(options: ManifestWatcherOptions, initial: Manifests) {
    this.#options = options;
    this.#manifests = initial;
    this.#follow(initial);
    this.#schedule(0);
  }

  /** No callback is called after this. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const watcher of this.#watches.values()) watcher.close();
    await this.#reading;
  }

  #follow({ found }: Manifests): void {
    for (const [folder, watcher] of this.#watches) {
      if (found.watched.has(folder)) continue;
      watcher.close();
      this.#watches.delete(folder);
    }
    for (const folder of found.watched.keys()) if (!this.#watches.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, (_event, name) => {
        const names = this.#manifests.found.watched.get(folder);
        // `..data` is the link that a ConfigMap update swaps.
        if (names === undefined || name === null || names.has(name) || name.startsWith('..')) this.#changed();
      });
      watcher.on('error', () => this.#unwatch(folder));
      this.#watches.set(folder, watcher);
    } catch {
      this.#unwatch(folder);
    }
  }

  /** The kernel gives no notice (any more): look regularly. The folder is watched again if that is possible by then. */
  #unwatch(folder: string): void {
    this.#watches.get(folder)?.close();
    this.#watches.delete(folder);
    this.#poll ??= setInterval(() => this.#changed(), this.#options.pollMs ?? DEFAULT_POLL_MS);
  }

  #changed(): void {
    this.#firstChangeMs ??= performance.now();
    const waitedMs = performance.now() - this.#firstChangeMs;
    this.#schedule(Math.min(this.#options.debounceMs ?? DEFAULT_DEBOUNCE_MS, Math.max(0, MAX_DEBOUNCE_MS - waitedMs)));
  }

  #schedule(delayMs: number, keepEmptied = true): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#firstChangeMs = undefined;
      this.#reading = this.#reading.then(() => this.#read(keepEmptied));
    }, delayMs);
  }

  async #read(keepEmptied: boolean): Promise<void> {
    try {
      const now = await this.#options.reader.read({ tolerant: true, keepEmptied });
      if (this.#stopped) return;
      this.#report(now);
      this.#follow(now);
      if (keepEmptied && now.emptied.length > 0) this.#schedule(EMPTIED_GRACE_MS, false);
    } catch (thrown) {
      if (!this.#stopped) this.#reportFailures([toSluiceError(thrown)]);
    }
  }

  #report(now: Manifests): void {
    const before = this.#manifests;
    this.#manifests = now;
    this.#reportFailures(now.failures);
    const events = eventsBetween(before, now);
    if (events.length > 0 || !equalData(before.problems, now.problems)) this.#options.onChange(events, now);
  }

  #reportFailures(failures: readonly SluiceError[]): void {
    for (const failure of failures) if (!this.#lastFailures.has(failure.message)) this.#options.onFailure(failure);
    this.#lastFailures = new Set(failures.map((failure) => failure.message));
  }
}

/** Objects that only moved to another line are not events. */
function eventsBetween(before: Manifests, now: Manifests): readonly ObjectEvent[] {
  const gone = [...before.objects].filter(([key]) => !now.objects.has(key)).map(([, object]) => object);
  const changed = [...now.objects].filter(([key, { json }]) => !equalData(before.objects.get(key)?.json, json));
  return [...gone.map(({ kind, name }) => ({ kind, name, json: undefined })), ...changed.map(([, object]) => object)];
}
