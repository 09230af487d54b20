import type { Clock } from '../../base/clock.ts';
import { EDE, RCODE } from '../wire/constants.ts';
import type { Answer } from './answer.ts';
import { emptyAnswer, prepareAnswer } from './answer.ts';
import type { AnswerCache, CacheItem } from './cache.ts';
import type { CacheConfig } from './config.ts';
import type { UpstreamQuestion } from './question.ts';
import type { ExtendedError } from './reply.ts';
import type { Routes } from './routes.ts';
import type { ScannedMessage, ScannedRecord } from './scan.ts';
import type { AnswerKind, Question, Verdict } from './verdict.ts';
import { judge } from './verdict.ts';
import type { ZoneTable } from '../zone-table.ts';

export interface FetcherOptions {
  readonly cache: AnswerCache;
  readonly config: CacheConfig;
  readonly routes: Routes;
  /** Zones of which an upstream knows nothing. */
  readonly withheld: ZoneTable<true>;
  readonly clock: Clock;
}

export interface FetchRequest {
  readonly question: Question;
  readonly asked: UpstreamQuestion;
  readonly variant: number;
  readonly transport: 'udp' | 'tcp';
  readonly whole: boolean;
}

export type Fetched =
  | { readonly answer: Answer; readonly kind: AnswerKind }
  | { readonly answer: undefined; readonly error: ExtendedError };

/** Larger ones are about our own OPT record (BADVERS, BADCOOKIE), nothing that a client could understand. */
const MAX_PLAIN_RCODE = 15;

/** Asks upstreams, and puts into the cache what may be kept. */
export class Fetcher {
  readonly #options: FetcherOptions;
  /** Answers that were thrown away, because no server may say such a thing. */
  drops = 0;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  async fetch(request: FetchRequest): Promise<Fetched> {
    const { question, asked, transport, whole } = request;
    const group = this.#options.routes.groupFor(question.name);
    if (group === undefined) return { answer: undefined, error: { code: EDE.notAuthoritative, text: '' } };
    const result = await group.ask({ question: asked, transport, whole });
    if ('failure' in result) {
      const error = { code: EDE.noReachableAuthority, text: result.failure };
      return result.reason === 'silence' ? this.#fail(request, error) : { answer: undefined, error };
    }
    const { message } = result;
    if (message.rcode > MAX_PLAIN_RCODE) {
      return this.#fail(request, { code: EDE.other, text: `upstream: response code ${message.rcode}` });
    }
    const isWithheld = (record: ScannedRecord): boolean => this.#options.withheld.find(record.owner) !== undefined;
    if (message.records.some((record) => record.section === 'answer' && isWithheld(record))) {
      this.drops++;
      return this.#fail(request, { code: EDE.invalidData, text: 'the upstream answers for the cluster' });
    }
    return this.#keep(request, message, isWithheld);
  }

  #keep(request: FetchRequest, message: ScannedMessage, isUnwanted: (record: ScannedRecord) => boolean): Fetched {
    const verdict = judge(message, request.question);
    const { lifetimeS, maxTtlS } = this.#limits(verdict);
    const minTtlS = verdict.kind === 'unfit' ? 0 : this.#options.config.minTtlS;
    const answer = prepareAnswer(message, { minTtlS, maxTtlS, isUnwanted });
    if (verdict.kind !== 'unfit') this.#put(request, { kind: verdict.kind, answer, lifetimeS });
    return { answer, kind: verdict.kind };
  }

  /** Who asks for the same again before the servers can have come back gets the same answer at once (RFC 9520, 3.2). */
  #fail(request: FetchRequest, error: ExtendedError): Fetched {
    const answer = emptyAnswer(request.asked.octets, RCODE.servFail);
    this.#put(request, { kind: 'failure', answer, lifetimeS: this.#options.config.silenceTtlS });
    return { answer: undefined, error };
  }

  #put(request: FetchRequest, item: Pick<CacheItem, 'kind' | 'answer'> & { readonly lifetimeS: number }): void {
    const { cache, clock } = this.#options;
    const { kind, answer, lifetimeS } = item;
    if (!request.asked.recursionDesired || lifetimeS <= 0 || this.#isWorse(request, kind)) return;
    const { question, variant } = request;
    const lifetimeMs = lifetimeS * 1000;
    cache.put({ name: question.name, variant, kind, answer, nowMs: clock.now(), lifetimeMs });
  }

  /** A failure does not take the place of an answer that may still be given. */
  #isWorse({ question, variant }: FetchRequest, kind: AnswerKind): boolean {
    if (kind !== 'failure') return false;
    const known = this.#options.cache.find(question.name, variant);
    const usableMs = this.#options.config.staleS * 1000;
    return known !== undefined && known.kind !== 'failure' && this.#options.clock.now() < known.expiresMs + usableMs;
  }

  /** How long an answer may be kept, and how long its receivers may keep its records. */
  #limits({ kind, ttlS }: Verdict): { readonly lifetimeS: number; readonly maxTtlS: number } {
    const { minTtlS, maxTtlS, maxDenialTtlS, failureTtlS } = this.#options.config;
    if (kind === 'failure') return { lifetimeS: failureTtlS, maxTtlS: failureTtlS };
    const capS = kind === 'denial' ? maxDenialTtlS : maxTtlS;
    const shownS = capS === 0 ? Infinity : capS;
    const goodS = Math.max(ttlS, minTtlS);
    return { lifetimeS: Math.min(goodS, capS), maxTtlS: kind === 'denial' ? Math.min(goodS, shownS) : shownS };
  }
}
