import { TYPE } from './wire/constants.ts';

/** Upper bounds of sizes in octets, and of durations in seconds, as CoreDNS has them. */
export const SIZE_BUCKETS = [
  0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000,
] as const;
export const DURATION_BUCKETS = Array.from({ length: 16 }, (_, i) => 0.000_25 * 2 ** i);

/** The same for how long changes take to be answered from. */
export const PROGRAMMING_BUCKETS = Array.from({ length: 20 }, (_, i) => 0.001 * 2 ** i);

/** Services by what their slices mean to DNS, as CoreDNS calls them. */
export const SERVICE_KINDS = ['cluster_ip', 'headless_with_selector'] as const;

export type ServiceKind = (typeof SERVICE_KINDS)[number];

export const TRANSPORTS = ['udp', 'tcp'] as const;

export type Transport = (typeof TRANSPORTS)[number];

/** Types that are counted by name; all others are `other`, because clients choose them. */
export const COUNTED_TYPES = [
  'A',
  'AAAA',
  'CNAME',
  'SOA',
  'SRV',
  'PTR',
  'TXT',
  'NS',
  'MX',
  'ANY',
  'HTTPS',
  'SVCB',
  'DS',
  'DNSKEY',
  'NAPTR',
  'AXFR',
  'IXFR',
  'other',
] as const;

const TYPE_NUMBERS: Readonly<Record<string, number>> = { ...TYPE, HTTPS: 65, SVCB: 64, DS: 43, DNSKEY: 48, NAPTR: 35 };

const OTHER_TYPE = COUNTED_TYPES.length - 1;

/** The place in {@link COUNTED_TYPES} by type number. */
const TYPE_PLACE = new Map(COUNTED_TYPES.map((name, place) => [TYPE_NUMBERS[name] ?? -1, place]));

export const COUNTED_RCODES = 24;

/** What can be read off one exchange when its reply is sent. */
export interface Exchange {
  /** 0: no zone of ours, otherwise its place in the list of zones plus one. */
  readonly zone: number;
  readonly transport: Transport;
  readonly isIpv6: boolean;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly rcode: number;
  readonly queryBytes: number;
  readonly replyBytes: number;
  readonly durationMs: number;
}

/** Sizes of the parts of {@link Counters}, and where each begins. */
const FAMILIES = 2;
const REQUESTS = TRANSPORTS.length * FAMILIES * COUNTED_TYPES.length;
const SIZES = TRANSPORTS.length * (SIZE_BUCKETS.length + 2);
const DURATIONS = DURATION_BUCKETS.length + 2;
const AT = {
  requests: 0,
  responses: REQUESTS,
  dnssecOk: REQUESTS + COUNTED_RCODES,
  querySizes: REQUESTS + COUNTED_RCODES + 1,
  replySizes: REQUESTS + COUNTED_RCODES + 1 + SIZES,
  durations: REQUESTS + COUNTED_RCODES + 1 + 2 * SIZES,
} as const;
const PER_ZONE = AT.durations + DURATIONS;

/** What has no zone, after all that has one. */
const PROGRAMMING = PROGRAMMING_BUCKETS.length + 2;
const WITHOUT_ZONE = 1 + SERVICE_KINDS.length * PROGRAMMING;

/** A histogram as it was counted: one count per bucket and one for what is above the last, and the sum of the values. */
export interface CountedHistogram {
  readonly counts: readonly number[];
  readonly sum: number;
}

/**
 * What a worker counts, in memory that the main thread reads when it is asked for metrics: neither has to wait for the other,
 * and a query costs a few additions.
 */
export class Counters {
  readonly memory: SharedArrayBuffer;
  readonly #values: Float64Array;
  /** Where that begins which has no zone: panics, then a histogram per kind of Service. */
  readonly #rest: number;

  /** @param zones how many zones there are, the one for foreign names included. */
  constructor(zones: number, memory = new SharedArrayBuffer(bytesFor(zones))) {
    this.memory = memory;
    this.#values = new Float64Array(memory);
    this.#rest = zones * PER_ZONE;
  }

  count(exchange: Exchange): void {
    const base = exchange.zone * PER_ZONE;
    const transport = exchange.transport === 'udp' ? 0 : 1;
    this.#add(base + AT.requests + requestPlace(transport, exchange.isIpv6 ? 1 : 0, typePlace(exchange.type)), 1);
    this.#add(base + AT.responses + Math.min(exchange.rcode, COUNTED_RCODES - 1), 1);
    if (exchange.dnssecOk) this.#add(base + AT.dnssecOk, 1);
    const sizes = transport * (SIZE_BUCKETS.length + 2);
    this.#observe(base + AT.querySizes + sizes, SIZE_BUCKETS, exchange.queryBytes);
    this.#observe(base + AT.replySizes + sizes, SIZE_BUCKETS, exchange.replyBytes);
    this.#observe(base + AT.durations, DURATION_BUCKETS, exchange.durationMs / 1000);
  }

  /** A query that could not be answered because of a mistake of ours. */
  countPanic(): void {
    this.#add(this.#rest, 1);
  }

  /** A change of endpoints is answered from so long after its cause. */
  countProgramming(kind: ServiceKind, durationMs: number): void {
    this.#observe(this.#programming(kind), PROGRAMMING_BUCKETS, durationMs / 1000);
  }

  get panics(): number {
    return this.#get(this.#rest);
  }

  programming(kind: ServiceKind): CountedHistogram {
    return this.#histogram(this.#programming(kind), PROGRAMMING_BUCKETS.length);
  }

  #programming(kind: ServiceKind): number {
    return this.#rest + 1 + SERVICE_KINDS.indexOf(kind) * PROGRAMMING;
  }

  requests(zone: number, request: { transport: number; family: number; type: number }): number {
    return this.#get(zone * PER_ZONE + AT.requests + requestPlace(request.transport, request.family, request.type));
  }

  responses(zone: number, rcode: number): number {
    return this.#get(zone * PER_ZONE + AT.responses + rcode);
  }

  dnssecRequests(zone: number): number {
    return this.#get(zone * PER_ZONE + AT.dnssecOk);
  }

  sizes(what: 'query' | 'reply', zone: number, transport: number): CountedHistogram {
    const start = what === 'query' ? AT.querySizes : AT.replySizes;
    return this.#histogram(zone * PER_ZONE + start + transport * (SIZE_BUCKETS.length + 2), SIZE_BUCKETS.length);
  }

  durations(zone: number): CountedHistogram {
    return this.#histogram(zone * PER_ZONE + AT.durations, DURATION_BUCKETS.length);
  }

  #histogram(start: number, buckets: number): CountedHistogram {
    return { counts: [...this.#values.subarray(start, start + buckets + 1)], sum: this.#get(start + buckets + 1) };
  }

  #observe(start: number, bounds: readonly number[], value: number): void {
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
    this.#add(start + bucket, 1);
    this.#add(start + bounds.length + 1, value);
  }

  #get(at: number): number {
    return this.#values[at] ?? 0;
  }

  #add(at: number, value: number): void {
    this.#values[at] = (this.#values[at] ?? 0) + value;
  }
}

function bytesFor(zones: number): number {
  return (zones * PER_ZONE + WITHOUT_ZONE) * Float64Array.BYTES_PER_ELEMENT;
}

function requestPlace(transport: number, family: number, type: number): number {
  return (transport * FAMILIES + family) * COUNTED_TYPES.length + type;
}

function typePlace(type: number): number {
  return TYPE_PLACE.get(type) ?? OTHER_TYPE;
}
