import type { AliasFinding } from './chase.ts';
import { AliasChaser } from './chase.ts';
import type { Cidr } from '../model/address.ts';
import { cidrContains, parseIpAddress } from '../model/address.ts';
import type { Transport } from './counters.ts';
import type { Forwarder } from './forward/forwarder.ts';
import type { ReplyContent, ReplySettings } from './reply.ts';
import { replyLimit, ReplyWriter } from './reply.ts';
import { transferMessages } from './transfer.ts';
import { CLASS_IN, EDE, RCODE, TYPE } from './wire/constants.ts';
import type { Query } from './wire/query.ts';
import { isRefusal, parseQuery } from './wire/query.ts';
import type { Finding } from './zone/finding.ts';
import type { ClusterZone } from './zone/zone.ts';
import { wantsAlias } from './zone/zone.ts';

export interface ResponderOptions {
  readonly zone: ClusterZone;
  readonly settings: ReplySettings;
  /** Who looks up other names; without one they are refused. */
  readonly forwarder: Forwarder | undefined;
  /** Who may have whole zones; nobody when absent. */
  readonly transferTo?: readonly Cidr[];
}

/** Where a packet came from. */
export interface Source {
  readonly transport: Transport;
  readonly address: string;
}

type Reply = Uint8Array | Promise<Uint8Array>;

/** What became of a packet, for those who count and log. */
export interface Handled {
  /** Absent when the packet could not be read. */
  readonly query?: Query;
  readonly finding?: Finding;
  /** Good until the next packet is handled, unless it comes by promise. Absent: no reply. */
  readonly reply?: Reply;
  /** Instead of `reply`: several messages, for a whole zone. */
  readonly replies?: Iterable<Uint8Array>;
}

const IGNORED: Handled = {};

/** Questions about differences of a zone, whose askers then ask for all of it, or about a transaction: not for us. */
const REFUSED_TYPES: ReadonlySet<number> = new Set([TYPE.IXFR, TYPE.TKEY, TYPE.TSIG]);

/** Turns packets into replies: the guard, the zone, and the forwarder for everything else. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #writer: ReplyWriter;
  readonly #chaser: AliasChaser;

  constructor(options: ResponderOptions) {
    this.#options = options;
    this.#writer = new ReplyWriter(options.settings);
    this.#chaser = new AliasChaser(options);
  }

  /** Every packet that a query can be read from gets a reply. */
  handle(packet: Uint8Array, source: Source): Handled {
    const query = parseQuery(packet);
    if (isRefusal(query)) {
      if (query.refusal === 'silence') return IGNORED;
      return { reply: this.#written(this.#writer.writeHeader(packet, query.rcode)) };
    }
    const limit = replyLimit(query, source.transport, this.#options.settings.maxUdpBytes);
    const refusal = refusalOf(query);
    if (refusal !== undefined) return { query, reply: this.#write(query, refusal, limit) };
    if (query.type === TYPE.AXFR) return this.#transfer(query, source, limit);
    const finding = this.#options.zone.find(query.name, query.type);
    if (finding.kind === 'outside') return { query, finding, reply: this.#forward(query, source, limit) };
    if (finding.kind === 'alias' && !wantsAlias(query.type)) {
      return { query, finding, reply: this.#chase(query, finding, { source, limit }) };
    }
    return { query, finding, reply: this.#write(query, this.#content(query, finding), limit) };
  }

  /** SERVFAIL to a packet that should have been answered otherwise; good until the next packet is handled. */
  failure(packet: Uint8Array): Uint8Array {
    return this.#written(this.#writer.writeHeader(packet, RCODE.servFail));
  }

  /** The next replies go to another buffer, because this one is still being sent. */
  keepBuffer(): void {
    this.#writer.buffer = Buffer.allocUnsafeSlow(this.#writer.buffer.length);
  }

  /** Over UDP there is no such thing (RFC 5936, 4.2). */
  #transfer(query: Query, { transport, address }: Source, limit: number): Handled {
    const { zone, settings, transferTo = [] } = this.#options;
    const client = parseIpAddress(address);
    const mayHave =
      transport === 'tcp' && client !== undefined && transferTo.some((cidr) => cidrContains(cidr, client));
    const finding = zone.find(query.name, TYPE.SOA);
    // Reverse zones are a view of addresses that others may have records of, too.
    if (!mayHave || finding.kind !== 'soa' || finding.zone.primary !== undefined) {
      const extendedError = mayHave ? EDE.notAuthoritative : EDE.prohibited;
      return { query, reply: this.#write(query, { rcode: RCODE.refused, extendedError }, limit) };
    }
    if (zone.synced)
      return { query, finding, replies: transferMessages(query, finding.zone, { source: zone, settings }) };
    const content = { rcode: RCODE.servFail, extendedError: EDE.notReady };
    return { query, finding, reply: this.#write(query, content, limit) };
  }

  #content(query: Query, finding: Finding): ReplyContent {
    switch (finding.kind) {
      case 'answer':
      case 'alias':
        return { rcode: RCODE.noError, authoritative: true, answer: finding.answer };
      case 'outside':
        return { rcode: RCODE.refused, extendedError: EDE.notAuthoritative };
      case 'missing':
        // "There is no such name" would be remembered; that we do not know yet is not.
        if (!this.#options.zone.synced) return { rcode: RCODE.servFail, extendedError: EDE.notReady };
        break;
      case 'soa':
      case 'empty':
    }
    return {
      rcode: finding.kind === 'missing' ? RCODE.nxDomain : RCODE.noError,
      authoritative: true,
      soa: this.#options.zone.startOfAuthority(finding.zone),
      soaOwnerAt: query.name.length - finding.zone.name.length,
      soaAnswers: finding.kind === 'soa',
    };
  }

  #forward(query: Query, { transport, address }: Source, limit: number): Reply {
    const { forwarder } = this.#options;
    if (forwarder === undefined) {
      return this.#write(query, { rcode: RCODE.refused, extendedError: EDE.notAuthoritative }, limit);
    }
    // The packet is in a buffer of its own already: the sockets do not use one twice.
    return forwarder.forward({ query, transport, client: address, maxBytes: limit });
  }

  #chase(query: Query, finding: AliasFinding, { source, limit }: { source: Source; limit: number }): Reply {
    return this.#chaser.chase(query, finding, { transport: source.transport, client: source.address, limit });
  }

  #write(query: Query, content: ReplyContent, limit: number): Uint8Array {
    return this.#written(this.#writer.write(query, content, limit));
  }

  #written(length: number): Uint8Array {
    return this.#writer.buffer.subarray(0, length);
  }
}

/** What is answered without looking anything up. */
function refusalOf(query: Query): ReplyContent | undefined {
  // RFC 6891, 6.1.3: before anything else is understood.
  if (query.edns !== undefined && query.edns.version > 0) return { rcode: RCODE.badVers };
  if (query.class !== CLASS_IN) return { rcode: RCODE.refused, extendedError: EDE.notAuthoritative };
  if (REFUSED_TYPES.has(query.type)) return { rcode: RCODE.refused, extendedError: EDE.prohibited };
  return query.type === TYPE.OPT ? { rcode: RCODE.formErr } : undefined;
}
