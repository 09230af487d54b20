import type { Transport } from './counters.ts';
import type { Forwarder } from './forward/forwarder.ts';
import { plainData, scanMessage } from './forward/scan.ts';
import { OptRecords } from './opt.ts';
import type { ReplySettings } from './reply.ts';
import { replyFlags } from './reply.ts';
import { EDE, CLASS_IN, DNSSEC_OK, FLAG, HEADER_BYTES, MAX_MESSAGE_BYTES, RCODE, TYPE } from './wire/constants.ts';
import type { NameKey } from './wire/name.ts';
import type { Query } from './wire/query.ts';
import { word } from './wire/query.ts';
import { MessageWriter } from './wire/writer.ts';
import type { Answer } from './zone/answer.ts';
import { recordsOf } from './zone/answer.ts';
import type { Finding } from './zone/finding.ts';
import type { ClusterZone } from './zone/zone.ts';

export type AliasFinding = Extract<Finding, { kind: 'alias' }>;

export interface ChaserOptions {
  readonly zone: ClusterZone;
  readonly settings: ReplySettings;
  readonly forwarder: Forwarder | undefined;
}

/** Who asked, and how large the reply may be. */
export interface ChaseFor {
  readonly transport: Transport;
  readonly client: string;
  readonly limit: number;
}

/** A record with its owner; `rest` is type, class, TTL, length and data, no name in it compressed. */
interface OwnedRecord {
  readonly owner: NameKey;
  readonly rest: Uint8Array;
}

/** A reply in the making. */
interface Chain {
  readonly answers: OwnedRecord[];
  readonly authority: OwnedRecord[];
  rcode: number;
  truncated: boolean;
  /** About the name that was asked for, which is all that AA is about (RFC 1035, 4.1.1). */
  authoritative: boolean;
  extendedError?: number;
}

/** As many aliases lead to aliases; longer chains are mistakes. */
const MAX_ALIASES = 10;

const OPT_BYTES = 11;

/** Follows the aliases that ExternalName Services are, inside the zones and through the forwarder (RFC 1034, 3.6.2). */
export class AliasChaser {
  readonly #options: ChaserOptions;
  readonly #opt: OptRecords;

  constructor(options: ChaserOptions) {
    this.#options = options;
    this.#opt = new OptRecords(options.settings);
  }

  /**
   * The alias first, then what it leads to. What the target's server says of it is the response code (RFC 6604); when nobody
   * answers, SERVFAIL, so that the client asks again instead of remembering that there is nothing.
   */
  chase(query: Query, first: AliasFinding, client: ChaseFor): Uint8Array | Promise<Uint8Array> {
    const chain: Chain = { answers: [], authority: [], rcode: RCODE.noError, truncated: false, authoritative: true };
    const outside = this.#follow(chain, query, first);
    const { forwarder } = this.#options;
    if (outside === undefined || forwarder === undefined) return this.#write(query, chain, client.limit);
    const forwarded = forwarder.forward({
      query: questionFor(query, outside),
      transport: client.transport,
      client: client.client,
      maxBytes: MAX_MESSAGE_BYTES,
    });
    const finish = (message: Uint8Array): Uint8Array => {
      adopt(chain, message);
      return this.#write(query, chain, client.limit);
    };
    return forwarded instanceof Uint8Array ? finish(forwarded) : forwarded.then(finish);
  }

  /** Adds what our own zones know. @returns the first name that is not theirs. */
  #follow(chain: Chain, query: Query, first: AliasFinding): NameKey | undefined {
    const { zone } = this.#options;
    let owner = query.name;
    let finding: Finding = first;
    const seen = new Set([owner]);
    while (finding.kind === 'alias') {
      addAnswer(chain, owner, finding.answer);
      owner = finding.target;
      if (seen.size < MAX_ALIASES && !seen.has(owner)) {
        seen.add(owner);
        finding = zone.find(owner, query.type);
      } else {
        chain.rcode = RCODE.servFail;
        return undefined;
      }
    }
    if (finding.kind === 'outside') return owner;
    if (finding.kind === 'missing' && !zone.synced) {
      Object.assign(chain, { rcode: RCODE.servFail, extendedError: EDE.notReady, authoritative: false });
    } else if (finding.kind === 'answer') addAnswer(chain, owner, finding.answer);
    else {
      const record = { owner: finding.zone.name, rest: zone.startOfAuthority(finding.zone) };
      (finding.kind === 'soa' ? chain.answers : chain.authority).push(record);
      if (finding.kind === 'missing') chain.rcode = RCODE.nxDomain;
    }
    return undefined;
  }

  #write(query: Query, chain: Chain, limit: number): Uint8Array {
    const { settings } = this.#options;
    const writer = new MessageWriter();
    const opt = this.#opt.for(query.edns, chain);
    const room = limit - opt.length;
    writer.append(query.packet.subarray(0, query.questionEnd));
    writer.know(query.name, HEADER_BYTES);
    const answers = writeAll(writer, chain.answers, room);
    const truncated = chain.truncated || answers < chain.answers.length;
    const authorities = truncated ? 0 : writeAll(writer, chain.authority, room);
    writer.append(opt);
    const flags = replyFlags(query, settings.recursion) | (chain.rcode & 0x0f);
    const authoritative = chain.authoritative ? FLAG.authoritative : 0;
    writer.patchWord(2, flags | authoritative | (truncated ? FLAG.truncated : 0));
    for (const [i, count] of [1, answers, authorities, Number(opt.length > 0)].entries()) {
      writer.patchWord(4 + 2 * i, count);
    }
    return writer.bytes;
  }
}

function addAnswer(chain: Chain, owner: NameKey, answer: Answer): void {
  for (const rest of recordsOf(answer)) chain.answers.push({ owner, rest });
}

/** What the forwarder found becomes the rest of the chain. */
function adopt(chain: Chain, bytes: Uint8Array): void {
  const message = scanMessage(bytes);
  const isAnswer = message?.rcode === RCODE.noError || message?.rcode === RCODE.nxDomain;
  if (message === undefined || !isAnswer) {
    chain.answers.length = 0;
    chain.rcode = RCODE.servFail;
    chain.authoritative = false;
    return;
  }
  chain.rcode = message.rcode;
  chain.truncated = (message.flags & FLAG.truncated) !== 0;
  for (const record of message.records) {
    const isDenial = record.section === 'authority' && record.type === TYPE.SOA;
    if (record.section !== 'answer' && !isDenial) continue;
    const data = plainData(message, record);
    const rest = new Uint8Array(10 + data.length);
    rest.set(message.bytes.subarray(record.ttlAt - 4, record.ttlAt + 4));
    rest[8] = data.length >> 8;
    rest[9] = data.length & 0xff;
    rest.set(data, 10);
    (isDenial ? chain.authority : chain.answers).push({ owner: record.owner, rest });
  }
}

/** The same question about another name, as a packet of its own. */
function questionFor(query: Query, name: NameKey): Query {
  const writer = new MessageWriter(name.length + HEADER_BYTES + 4 + OPT_BYTES);
  writer.append(query.packet.subarray(0, HEADER_BYTES));
  writer.patchWord(2, FLAG.recursionDesired | (query.flags & FLAG.checkingDisabled));
  for (const [i, count] of [1, 0, 0, query.edns === undefined ? 0 : 1].entries()) writer.patchWord(4 + 2 * i, count);
  writer.latin1(name);
  writer.word(query.type);
  writer.word(CLASS_IN);
  const questionEnd = writer.length;
  if (query.edns !== undefined) {
    writer.octet(0);
    writer.word(TYPE.OPT);
    writer.word(query.edns.udpBytes);
    writer.word(0);
    writer.word(query.edns.dnssecOk ? DNSSEC_OK : 0);
    writer.word(0);
  }
  const packet = writer.bytes;
  return { ...query, packet, flags: word(packet, 2), name, questionEnd };
}

/** @returns how many there was room for. */
function writeAll(writer: MessageWriter, records: readonly OwnedRecord[], room: number): number {
  for (const [i, { owner, rest }] of records.entries()) {
    const before = writer.length;
    writer.name(owner);
    writer.append(rest);
    if (writer.length <= room) continue;
    writer.rewind(before);
    return i;
  }
  return records.length;
}
