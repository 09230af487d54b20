import type { ReplySettings } from './reply.ts';
import { replyFlags } from './reply.ts';
import { OptRecords } from './opt.ts';
import { FLAG, HEADER_BYTES, RCODE } from './wire/constants.ts';
import type { NameKey } from './wire/name.ts';
import type { Query } from './wire/query.ts';
import { MessageWriter } from './wire/writer.ts';
import type { Zone } from './zone/settings.ts';
import type { ClusterZone } from './zone/zone.ts';

/** Messages of this size take a millisecond or two, so that queries of others are answered in between. */
const MESSAGE_BYTES = 4096;

/** One record with its owner; `rest` is type, class, TTL, length and data. */
interface OwnedRecord {
  readonly owner: NameKey;
  readonly rest: Uint8Array;
}

/**
 * A whole zone as messages, one after the other (RFC 5936): the SOA record, all others, the SOA record again. They are made as
 * they are fetched. What changes meanwhile may be among them or not; the serial is that of the beginning, so the receiver
 * sees with its next look that there is something newer.
 */
export function* transferMessages(query: Query, zone: Zone, from: { source: ClusterZone; settings: ReplySettings }) {
  const { source, settings } = from;
  const opt = new OptRecords(settings).for(query.edns, { rcode: RCODE.noError });
  const flags = replyFlags(query, settings.recursion) | FLAG.authoritative;
  let message = new Message(query, opt, flags);
  for (const record of zoneRecords(source, zone)) {
    if (message.add(record)) continue;
    yield message.end();
    message = new Message(query, opt, flags);
    message.add(record);
  }
  yield message.end();
}

function* zoneRecords(source: ClusterZone, zone: Zone): Generator<OwnedRecord> {
  const soa = { owner: zone.name, rest: source.startOfAuthority(zone) };
  yield soa;
  yield* source.records(zone);
  yield soa;
}

class Message {
  readonly #writer = new MessageWriter(MESSAGE_BYTES);
  readonly #opt: Uint8Array;
  #answers = 0;

  constructor(query: Query, opt: Uint8Array, flags: number) {
    const writer = this.#writer;
    writer.append(query.packet.subarray(0, query.questionEnd));
    writer.know(query.name, HEADER_BYTES);
    writer.patchWord(2, flags);
    this.#opt = opt;
  }

  /** @returns false when there is no room; an empty message takes any record. */
  add({ owner, rest }: OwnedRecord): boolean {
    const writer = this.#writer;
    const before = writer.length;
    writer.name(owner);
    writer.append(rest);
    if (this.#answers > 0 && writer.length + this.#opt.length > MESSAGE_BYTES) {
      writer.rewind(before);
      return false;
    }
    this.#answers++;
    return true;
  }

  end(): Uint8Array {
    const writer = this.#writer;
    writer.append(this.#opt);
    for (const [i, count] of [1, this.#answers, 0, Number(this.#opt.length > 0)].entries()) {
      writer.patchWord(4 + 2 * i, count);
    }
    return writer.bytes;
  }
}
