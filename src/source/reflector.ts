import { setImmediate } from 'node:timers/promises';
import type { SluiceError } from '../base/errors.ts';
import { toSluiceError } from '../base/errors.ts';
import { Backoff } from './backoff.ts';
import type { CollectionOptions } from './collection.ts';
import { Collection } from './collection.ts';
import { IdleTimer } from './idle-timer.ts';
import type { KubeClient } from './kube-client.ts';
import { refusalOf } from './kube-request.ts';
import { LineSplitter } from './line-splitter.ts';
import { pause } from './pause.ts';
import { brokenWatch, needsList, silence, Troubles, wasSilent } from './reflector-troubles.ts';
import { ListSplitter } from './resource-list.ts';
import { acceptable, resourceUrl } from './resource.ts';

/** How patient a reflector is; all but the backoff are spread at random. */
export interface ReflectorTimings {
  /** How long the server is asked to keep a watch open: so long, up to twice. */
  readonly watchMs: number;
  /** A watch without a byte for so long, up to a third more, is given up; servers send a bookmark each minute. */
  readonly idleMs: number;
  /** The objects that are there already come without such pauses, or else the server does not know what was asked of it. */
  readonly listIdleMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A watch that lived so long is in order. */
  readonly settledMs: number;
  /** How soon to look again for an optional resource that is not there: so long, up to twice. */
  readonly absentMs: number;
}

const TIMINGS: ReflectorTimings = {
  watchMs: 300_000,
  idleMs: 90_000,
  listIdleMs: 10_000,
  backoffFirstMs: 200,
  backoffMaxMs: 30_000,
  settledMs: 10_000,
  absentMs: 300_000,
};

export interface ReflectorOptions extends CollectionOptions {
  readonly client: Pick<KubeClient, 'open'>;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly timings?: Partial<ReflectorTimings> | undefined;
}

export interface ReflectorStatus {
  /** The first list is complete. */
  readonly synced: boolean;
  /** The server answers that there is no such resource, or that we may not see it, and it is optional. */
  readonly absent: boolean;
  /** A watch, or a list, is under way. */
  readonly connected: boolean;
  /** When the server last proved that nothing is missing; by the clock's `now()`. */
  readonly newestProofMs: number | undefined;
  readonly events: number;
  readonly garbled: number;
  readonly lists: number;
  /** Requests that failed, and watches that broke. */
  readonly failures: number;
}

/** So many objects a page has, if the server cannot stream them. */
const PAGE = '500';

/** After so many watches without a single byte, perhaps the server waits for a version that it will not reach for long. */
const SILENT_WATCHES = 2;

/** Work in one go before others get their turn. */
const SLICE_MS = 10;

/**
 * Follows one collection for as long as the process lives: lists it, watches it, goes on where a watch ended, and lists
 * again when that cannot be. Never gives up; what is known stays in force meanwhile.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #timings: ReflectorTimings;
  readonly #collection: Collection;
  readonly #stop = new AbortController();
  readonly #resumeBackoff: Backoff;
  readonly #listBackoff: Backoff;
  readonly #troubles: Troubles;
  readonly #done: Promise<void>;
  #canStream = true;
  #pagesOnce = false;
  #silentWatches = 0;
  #connected = false;
  /** When the answer that is read began. */
  #openedMs: number | undefined;
  #absent = false;
  #failures = 0;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#collection = new Collection(options);
    const backoff = {
      firstMs: this.#timings.backoffFirstMs,
      maxMs: this.#timings.backoffMaxMs,
      random: options.random,
    };
    this.#resumeBackoff = new Backoff(backoff);
    this.#listBackoff = new Backoff(backoff);
    this.#troubles = new Troubles(options.log, options.resource.kind);
    this.#done = this.#run();
  }

  status(): ReflectorStatus {
    const { synced, newestProofMs, counts } = this.#collection;
    const { events, garbled, lists } = counts;
    const [absent, connected, failures] = [this.#absent, this.#connected, this.#failures];
    return { synced, absent, connected, newestProofMs, events, garbled, lists, failures };
  }

  /** No callback is called after this. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let waitMs: number;
      try {
        waitMs = await this.#step();
      } catch (thrown) {
        waitMs = signal.aborted ? 0 : this.#failed(toSluiceError(thrown));
      }
      if (waitMs > 0 && !signal.aborted) await pause(waitMs, { clock: this.#options.clock, signal });
    }
  }

  /** @returns how long to wait before the next one. */
  async #step(): Promise<number> {
    const { version } = this.#collection;
    if (version !== undefined) return this.#watch({ resourceVersion: version });
    if (!this.#canStream || this.#pagesOnce) return this.#listPages();
    this.#collection.beginList();
    return this.#watch({ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' });
  }

  async #watch(query: Readonly<Record<string, string>>): Promise<number> {
    const { clock } = this.#options;
    const collection = this.#collection;
    const before = collection.progress;
    this.#openedMs = undefined;
    let isInOrder = false;
    try {
      await this.#follow(query);
    } finally {
      const isSettled = clock.now() - (this.#openedMs ?? clock.now()) >= this.#timings.settledMs;
      isInOrder = isSettled || collection.progress > before;
      if (isInOrder) this.#resumeBackoff.reset();
      if (isSettled) this.#listBackoff.reset();
      if (collection.progress > before) this.#silentWatches = 0;
    }
    if (collection.listing) throw brokenWatch(this.#options.resource.kind, 'the list');
    return isInOrder ? 0 : this.#resumeBackoff.next();
  }

  async #follow(query: Readonly<Record<string, string>>): Promise<void> {
    const collection = this.#collection;
    const timeoutSeconds = String(Math.round(this.#spread(this.#timings.watchMs, 1) / 1000));
    const lines = new LineSplitter();
    let { listing } = collection;
    await this.#read(
      { ...query, watch: 'true', allowWatchBookmarks: 'true', timeoutSeconds },
      (chunk, idle) => {
        collection.takeLines(lines.push(chunk));
        if (listing && !collection.listing) idle.changeTo(this.#watchIdleMs());
        listing = collection.listing;
        if (!listing) this.#troubles.end();
      },
      listing ? this.#timings.listIdleMs : this.#watchIdleMs(),
    );
    if (lines.pendingBytes > 0) throw brokenWatch(this.#options.resource.kind, 'an event');
  }

  async #listPages(): Promise<number> {
    const collection = this.#collection;
    collection.beginList();
    let [version, next] = ['', ''];
    do {
      const splitter = new ListSplitter();
      const query = { limit: PAGE, ...(next === '' ? {} : { continue: next }) };
      await this.#read(query, (chunk) => collection.takeItems(splitter.push(chunk)), this.#watchIdleMs());
      const head = splitter.end();
      if (version === '') version = head.version;
      next = head.next;
    } while (next !== '');
    collection.endList(version);
    this.#pagesOnce = false;
    this.#troubles.end();
    return 0;
  }

  /** Reads an answer to its end, in slices. */
  async #read(
    query: Readonly<Record<string, string>>,
    take: (chunk: Buffer, idle: IdleTimer) => void,
    idleMs: number,
  ): Promise<void> {
    const { client, clock, resource } = this.#options;
    const { signal } = this.#stop;
    const continues = query['continue'] !== undefined;
    const accept = acceptable(resource, query['watch'] === undefined ? 'list' : 'watch');
    const answer = await client.open({ path: resourceUrl(resource, query), accept, continues, signal });
    this.#connected = true;
    this.#openedMs = clock.now();
    this.#absent = false;
    const idle = new IdleTimer({ clock, idleMs, onIdle: () => answer.close(silence(resource.kind, idleMs)) });
    let sliceMs = clock.now();
    try {
      for await (const chunk of answer.chunks) {
        if (signal.aborted) return;
        idle.touch();
        take(chunk, idle);
        if (clock.now() - sliceMs < SLICE_MS) continue;
        await setImmediate();
        sliceMs = clock.now();
      }
    } finally {
      idle.stop();
      this.#connected = false;
      answer.close();
    }
  }

  /** @returns how long to wait before the next try. */
  #failed(error: SluiceError): number {
    const { resource } = this.#options;
    const collection = this.#collection;
    const refusal = refusalOf(error);
    const status = refusal?.status ?? 0;
    if (resource.optional === true && (status === 404 || status === 403)) return this.#isAbsent(error);
    const askedToStream = collection.listing && this.#canStream && !this.#pagesOnce;
    if (askedToStream && (status === 400 || status === 422)) {
      this.#canStream = false;
      return 0;
    }
    this.#failures++;
    const isSilent = wasSilent(error);
    if (askedToStream && isSilent) this.#pagesOnce = true;
    else if (isSilent && ++this.#silentWatches >= SILENT_WATCHES) collection.invalidate();
    if (needsList(error)) collection.invalidate();
    this.#troubles.tell(error);
    const backoff = collection.version === undefined ? this.#listBackoff : this.#resumeBackoff;
    return Math.max(backoff.next(), this.#spread(refusal?.retryAfterMs ?? 0, 0.2));
  }

  /** Does without the resource. What was known of one that is only forbidden now stays. */
  #isAbsent(error: SluiceError): number {
    if (!this.#absent) this.#options.log.info(`going on without: ${error.message}`);
    this.#absent = true;
    if (refusalOf(error)?.status === 404 || !this.#collection.synced) this.#collection.clear();
    return this.#spread(this.#timings.absentMs, 1);
  }

  #watchIdleMs(): number {
    return this.#spread(this.#timings.idleMs, 1 / 3);
  }

  /** Up to `part` more. */
  #spread(ms: number, part: number): number {
    return ms * (1 + part * this.#options.random());
  }
}
