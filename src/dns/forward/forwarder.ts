import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { OptRecords } from '../opt.ts';
import { EDE, FLAG, HEADER_BYTES, RCODE, TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import type { Query } from '../wire/query.ts';
import { Admission } from './admission.ts';
import type { Answer } from './answer.ts';
import { emptyAnswer } from './answer.ts';
import type { CacheEntry } from './cache.ts';
import { AnswerCache, poolOf, variantOf } from './cache.ts';
import type { ForwardConfig } from './config.ts';
import type { ForwardCounters } from './counters.ts';
import { CacheCounts } from './counters.ts';
import type { Fetched, FetchRequest } from './fetcher.ts';
import { Fetcher } from './fetcher.ts';
import { Flights } from './flights.ts';
import type { ExtendedError, ReplyOptions } from './reply.ts';
import { buildReply } from './reply.ts';
import { Routes } from './routes.ts';
import { emptyZoneAnswer } from './withheld.ts';
import { ZoneTable } from '../zone-table.ts';

export interface ForwardQuery {
  /** Passed the guard. It is kept until it is answered. */
  readonly query: Query;
  readonly transport: 'udp' | 'tcp';
  /** Address of the client, which may only have so many questions under way. */
  readonly client: string;
  /** What fits for this client. */
  readonly maxBytes: number;
}

export interface Forwarder {
  /**
   * A complete reply for this client. Never rejects: failures are SERVFAIL with an extended error. Synchronous on a hit
   * in the cache, which then costs no promise.
   */
  forward(query: ForwardQuery): Uint8Array | Promise<Uint8Array>;
  /** Gives up what is under way, with SERVFAIL, and closes all sockets. */
  close(): void;
}

export interface ForwarderDependencies {
  readonly clock: Clock;
  readonly log: Log;
  /** What is said to clients that send an OPT record. */
  readonly opt: OptRecords;
  /** `ADDR:PORT` of our own sockets. */
  readonly ownAddresses: readonly string[];
  /**
   * Zones that never leave: ours, and the reverse names of Services and pods. Names in them are denied here, and an
   * upstream's records in them are not believed.
   */
  readonly privateZones: readonly NameKey[];
}

/** RFC 8767, 5: how long a client waits before it gets an answer that is too old. */
const STALE_AFTER_MS = 1800;

/** RFC 8767, 5: how long nobody asks again after an upstream did not answer. */
const STALE_RETRY_MS = 30_000;

/** RFC 8767, 4: the TTL of an answer that is too old. */
const STALE_TTL_S = 30;

const CACHED_ERROR: ExtendedError = { code: EDE.cachedError, text: '' };

/** The part of an entry's life, at its end, in which it is fetched anew. */
const PREFETCH_SHARE = 0.1;

/** Forwards queries and keeps the answers; the forward and cache plugins of CoreDNS in one. */
export class CachingForwarder implements Forwarder {
  readonly #config: ForwardConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #opt: OptRecords;
  readonly #cache: AnswerCache;
  readonly #routes: Routes;
  readonly #fetcher: Fetcher;
  readonly #flights: Flights<Fetched>;
  readonly #admission: Admission;
  readonly #withheld: ZoneTable<true>;
  readonly #counts = new CacheCounts();

  /** @throws SluiceError `bad-config` for an upstream or a stub domain that is none. */
  constructor(config: ForwardConfig, { clock, log, opt, ownAddresses, privateZones }: ForwarderDependencies) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
    this.#opt = opt;
    this.#cache = new AnswerCache(config.cache);
    this.#routes = new Routes({ config, ownAddresses, clock, log });
    this.#withheld = new ZoneTable(privateZones.map((zone) => [zone, true]));
    const { cache: cacheConfig } = config;
    this.#fetcher = new Fetcher({
      cache: this.#cache,
      config: cacheConfig,
      routes: this.#routes,
      withheld: this.#withheld,
      clock,
    });
    this.#flights = new Flights(config.maxWaiters);
    this.#admission = new Admission(config);
  }

  forward(request: ForwardQuery): Uint8Array | Promise<Uint8Array> {
    const { query } = request;
    const variant = variantOf(query);
    const entry = this.#cache.find(query.name, variant);
    this.#counts.requests++;
    const nowMs = this.#clock.now();
    if (entry !== undefined && nowMs < entry.expiresMs) return this.#hit(request, entry, nowMs);
    this.#counts.misses++;
    if (query.type === TYPE.AXFR || query.type === TYPE.IXFR) return this.#refuse(request, RCODE.refused);
    const withheld = this.#withheld.find(query.name);
    if (withheld !== undefined) return this.#reply(request, { answer: emptyZoneAnswer(query, withheld.zone) });
    if (this.#routes.groupFor(query.name) === undefined) {
      return this.#refuse(request, RCODE.refused, { code: EDE.notAuthoritative, text: '' });
    }
    const stale = this.#usable(entry, nowMs);
    if (stale !== undefined && nowMs < stale.retryMs) return this.#serveStale(request, stale);
    return this.#fetch(request, variant, stale);
  }

  close(): void {
    this.#routes.close();
  }

  counters(): ForwardCounters {
    return {
      cache: this.#counts.totals(this.#cache),
      drops: this.#fetcher.drops + this.#routes.mismatches,
      rejects: this.#admission.rejects,
      ...this.#routes.counters(),
    };
  }

  #hit(request: ForwardQuery, entry: CacheEntry, nowMs: number): Uint8Array {
    entry.hits++;
    this.#counts.hits[poolOf(entry.kind)]++;
    const { prefetchHits } = this.#config.cache;
    if (prefetchHits > 0 && entry.hits >= prefetchHits) this.#prefetch(request, entry, nowMs);
    const ageS = Math.floor((nowMs - entry.storedMs) / 1000);
    const error = entry.kind === 'failure' ? { error: CACHED_ERROR } : {};
    return this.#reply(request, { answer: entry.answer, ageS, turn: entry.hits, ...error });
  }

  /** Once in the life of an entry, near its end. */
  #prefetch(request: ForwardQuery, entry: CacheEntry, nowMs: number): void {
    const dueMs = entry.expiresMs - PREFETCH_SHARE * (entry.expiresMs - entry.storedMs);
    if (nowMs < dueMs || nowMs < entry.retryMs || (request.query.flags & FLAG.recursionDesired) === 0) return;
    entry.retryMs = entry.expiresMs;
    this.#counts.prefetches++;
    void this.#join(request, entry.variant);
  }

  #usable(entry: CacheEntry | undefined, nowMs: number): CacheEntry | undefined {
    if (entry === undefined || entry.kind === 'failure') return undefined;
    return nowMs < entry.expiresMs + this.#config.cache.staleS * 1000 ? entry : undefined;
  }

  #fetch(request: ForwardQuery, variant: number, stale: CacheEntry | undefined): Uint8Array | Promise<Uint8Array> {
    const { client } = request;
    if (!this.#admission.enter(client)) return this.#overloaded(request, stale);
    const flight = this.#join(request, variant);
    if (flight === undefined) {
      this.#admission.leave(client);
      return this.#overloaded(request, stale);
    }
    return this.#land(request, flight, stale).finally(() => this.#admission.leave(client));
  }

  async #land(request: ForwardQuery, flight: Promise<Fetched>, stale: CacheEntry | undefined): Promise<Uint8Array> {
    const fetched = stale === undefined ? await flight : await this.#atMost(STALE_AFTER_MS, flight);
    if (stale !== undefined && (fetched === undefined || isFailure(fetched))) {
      stale.retryMs = this.#clock.now() + STALE_RETRY_MS;
      return this.#serveStale(request, stale);
    }
    if (fetched?.answer !== undefined) return this.#reply(request, { answer: fetched.answer });
    return this.#refuse(request, RCODE.servFail, fetched?.error);
  }

  /** Starts a question to the upstream, or joins one that is under way. */
  #join({ query, transport, maxBytes }: ForwardQuery, variant: number): Promise<Fetched> | undefined {
    const { transport: wanted, udpBytes } = this.#config;
    const upstreamTransport = wanted === 'as-client' ? transport : wanted;
    const request: FetchRequest = {
      question: query,
      asked: {
        octets: query.packet.subarray(HEADER_BYTES, query.questionEnd),
        recursionDesired: (query.flags & FLAG.recursionDesired) !== 0,
        checkingDisabled: (query.flags & FLAG.checkingDisabled) !== 0,
        dnssecOk: query.edns?.dnssecOk === true,
      },
      variant,
      transport: upstreamTransport,
      // A client that cannot take more than UDP brought would get TC either way, and comes back over TCP.
      whole: upstreamTransport === 'tcp' || transport === 'tcp' || maxBytes > udpBytes,
    };
    const { whole, asked } = request;
    const key = `${variant} ${upstreamTransport} ${whole} ${asked.recursionDesired} ${query.name}`;
    return this.#flights.join(key, async () => {
      try {
        return await this.#fetcher.fetch(request);
      } catch (error) {
        this.#log.error('forwarding failed', { error: String(error) });
        return { answer: undefined, error: { code: EDE.other, text: 'internal error' } };
      }
    });
  }

  async #atMost<T>(ms: number, result: Promise<T>): Promise<T | undefined> {
    let cancel = (): void => {};
    const late = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(ms, () => resolve(undefined));
    });
    const first = await Promise.race([result, late]);
    cancel();
    return first;
  }

  #serveStale(request: ForwardQuery, { answer }: CacheEntry): Uint8Array {
    this.#counts.servedStale++;
    const isDenial = (answer.flags & 0x0f) === RCODE.nxDomain;
    const error = { code: isDenial ? EDE.staleNxDomain : EDE.staleAnswer, text: 'no upstream answers' };
    return this.#reply(request, { answer, ageS: 0, staleTtlS: STALE_TTL_S, error });
  }

  #overloaded(request: ForwardQuery, stale: CacheEntry | undefined): Uint8Array {
    if (stale !== undefined) return this.#serveStale(request, stale);
    return this.#refuse(request, RCODE.servFail, { code: EDE.other, text: 'too many questions under way' });
  }

  #refuse(request: ForwardQuery, rcode: number, error?: ExtendedError): Uint8Array {
    const { packet, questionEnd } = request.query;
    const answer: Answer = emptyAnswer(packet.subarray(HEADER_BYTES, questionEnd), rcode);
    return this.#reply(request, { answer, ...(error === undefined ? {} : { error }) });
  }

  #reply({ query, maxBytes }: ForwardQuery, what: Omit<ReplyOptions, 'query' | 'maxBytes' | 'opt'>): Uint8Array {
    return buildReply({ ...what, query, maxBytes, opt: this.#opt });
  }
}

function isFailure(fetched: Fetched): boolean {
  return fetched.answer === undefined || fetched.kind === 'failure';
}
