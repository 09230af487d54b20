import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { FLAG, RCODE } from '../wire/constants.ts';
import { word } from '../wire/query.ts';
import type { Endpoint } from './endpoint.ts';
import { endpointText } from './endpoint.ts';
import { Health } from './health.ts';
import type { RcodeDurations } from './histogram.ts';
import { DurationsByRcode } from './histogram.ts';
import type { Outcome } from './outcome.ts';
import type { SentQuery, UpstreamQuestion } from './question.ts';
import { encodeQuery, PROBE } from './question.ts';
import type { ScannedMessage } from './scan.ts';
import { scanMessage } from './scan.ts';
import { TcpExchange } from './tcp.ts';
import { UdpExchange } from './udp.ts';

export interface UpstreamSettings {
  /** Where nothing but TCP is wanted, probes use that too. */
  readonly transport: 'as-client' | 'udp' | 'tcp';
  /** What we say we take over UDP. */
  readonly udpBytes: number;
  readonly mixCase: boolean;
  /** For one attempt over one transport. */
  readonly attemptTimeoutMs: number;
  readonly maxFails: number;
  readonly tcpIdleMs: number;
  readonly maxMismatches: number;
}

export interface UpstreamOptions {
  readonly endpoint: Endpoint;
  readonly settings: UpstreamSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of every message that did not fit the query. */
  readonly onMismatch: () => void;
}

/** How an upstream is to be asked. */
export interface AskOptions {
  readonly question: UpstreamQuestion;
  readonly transport: 'udp' | 'tcp';
  /** An answer that UDP cuts short is fetched over TCP. */
  readonly whole: boolean;
  /** By the clock: no attempt lasts beyond this. */
  readonly deadlineMs: number;
}

export type Asked =
  | { readonly message: ScannedMessage }
  /** `silence`: it was asked and gave no answer; `unasked`: there was nobody to ask, or we are stopping. */
  | { readonly failure: string; readonly reason: 'silence' | 'unasked' };

export interface UpstreamCounters {
  /** `10.0.0.1:53` */
  readonly to: string;
  readonly healthcheckFailures: number;
  /** Messages that did not fit the query: late, broken or forged. */
  readonly mismatches: number;
  /** Queries that found a connection, and those that opened a socket. */
  readonly reused: { readonly tcp: number; readonly udp: 0 };
  readonly opened: { readonly tcp: number; readonly udp: number };
  readonly durations: readonly RcodeDurations[];
}

const PROBE_TIMEOUT_MS = 1000;

/** A server without EDNS may be replaced by a newer one. */
const PLAIN_FOR_MS = 600_000;

/** One name server: asks it, and knows how it is and what it cannot do. */
export class Upstream {
  readonly name: string;
  readonly #settings: UpstreamSettings;
  readonly #clock: Clock;
  readonly #udp: UdpExchange;
  readonly #tcp: TcpExchange;
  readonly #health: Health;
  readonly #onMismatch: () => void;
  readonly #durations = new DurationsByRcode();
  readonly #counts = { healthcheckFailures: 0, mismatches: 0, reusedTcp: 0, openedTcp: 0, openedUdp: 0 };
  /** It answers in upper and lower case of its own, so mixing says nothing. */
  #foldsCase = false;
  #plainUntilMs = -Infinity;
  #isClosed = false;

  constructor({ endpoint, settings, clock, log, onMismatch }: UpstreamOptions) {
    this.name = endpointText(endpoint);
    this.#settings = settings;
    this.#clock = clock;
    const { maxMismatches, tcpIdleMs, maxFails } = settings;
    this.#onMismatch = (): void => {
      this.#counts.mismatches++;
      onMismatch();
    };
    this.#udp = new UdpExchange({ endpoint, clock, maxMismatches, onMismatch: this.#onMismatch });
    const onReuse = (reused: boolean): void => void this.#counts[reused ? 'reusedTcp' : 'openedTcp']++;
    this.#tcp = new TcpExchange({ endpoint, clock, idleMs: tcpIdleMs, onReuse });
    const onProbeFailed = (): void => void this.#counts.healthcheckFailures++;
    const onTurn = (isDown: boolean): void => {
      if (isDown) log.warn('a name server does not answer', { server: this.name });
      else log.info('a name server answers again', { server: this.name });
    };
    this.#health = new Health({ clock, maxFails, onProbeFailed, onTurn, probe: () => this.#probe() });
  }

  get isDown(): boolean {
    return this.#health.isDown;
  }

  async ask(options: AskOptions): Promise<Asked> {
    if (this.#isClosed) return { failure: 'stopping', reason: 'unasked' };
    const startedMs = this.#clock.now();
    let outcome = await this.#exchange(options, this.#clock.now() >= this.#plainUntilMs);
    if (outcome.ok && refusesEdns(outcome) && this.#clock.now() >= this.#plainUntilMs) {
      outcome = await this.#exchange(options, false);
      if (outcome.ok && outcome.match !== 'unread') this.#plainUntilMs = this.#clock.now() + PLAIN_FOR_MS;
    }
    if (!outcome.ok) {
      if (outcome.reason === 'closed') return { failure: outcome.detail, reason: 'unasked' };
      this.#health.suspect();
      return { failure: outcome.detail, reason: 'silence' };
    }
    this.#health.answered();
    const message = scanMessage(outcome.message);
    if (message === undefined) {
      this.#onMismatch();
      return { failure: 'the answer is garbled', reason: 'silence' };
    }
    this.#durations.observe(message.rcode, this.#clock.now() - startedMs);
    return { message };
  }

  /** No more probes; what is under way may end by itself. */
  retire(): void {
    this.#health.stop();
  }

  close(): void {
    this.#isClosed = true;
    this.retire();
    this.#udp.close();
    this.#tcp.close();
  }

  counters(): UpstreamCounters {
    const { healthcheckFailures, mismatches, reusedTcp, openedTcp, openedUdp } = this.#counts;
    return {
      to: this.name,
      healthcheckFailures,
      mismatches,
      reused: { tcp: reusedTcp, udp: 0 },
      opened: { tcp: openedTcp, udp: openedUdp },
      durations: this.#durations.totals(),
    };
  }

  async #exchange(options: AskOptions, withEdns: boolean): Promise<Outcome> {
    if (options.transport === 'tcp') return this.#askTcp(options, withEdns);
    this.#counts.openedUdp++;
    const outcome = await this.#udp.ask(this.#encode(options.question, withEdns), this.#timeoutMs(options));
    if (!outcome.ok) return outcome.reason === 'doubtful' ? this.#askTcp(options, withEdns) : outcome;
    const isTruncated = (word(outcome.message, 2) & FLAG.truncated) !== 0;
    return isTruncated && options.whole ? this.#askTcp(options, withEdns) : outcome;
  }

  async #askTcp(options: AskOptions, withEdns: boolean): Promise<Outcome> {
    const outcome = await this.#tcp.ask(this.#encode(options.question, withEdns), this.#timeoutMs(options));
    // Nobody can forge this from afar: the server really answers so.
    if (outcome.ok && outcome.match === 'folded') this.#foldsCase = true;
    return outcome;
  }

  #encode(question: UpstreamQuestion, withEdns: boolean): SentQuery {
    const mixCase = this.#settings.mixCase && !this.#foldsCase;
    return encodeQuery(question, { mixCase, ...(withEdns ? { ednsBytes: this.#settings.udpBytes } : {}) });
  }

  #timeoutMs({ deadlineMs }: AskOptions): number {
    return Math.max(1, Math.min(this.#settings.attemptTimeoutMs, deadlineMs - this.#clock.now()));
  }

  async #probe(): Promise<boolean> {
    const exchange = this.#settings.transport === 'tcp' ? this.#tcp : this.#udp;
    const outcome = await exchange.ask(encodeQuery(PROBE, { mixCase: false }), PROBE_TIMEOUT_MS);
    return outcome.ok;
  }
}

/** Servers that do not know OPT do not send one (RFC 6891, 7). */
function refusesEdns({ message, match }: Extract<Outcome, { ok: true }>): boolean {
  const rcode = word(message, 2) & 0x0f;
  if (rcode !== RCODE.formErr && rcode !== RCODE.notImp) return false;
  return match === 'unread' || scanMessage(message)?.hasEdns === false;
}
