import { CLASS_IN, FLAG, HEADER_BYTES, RCODE, TYPE } from '../wire/constants.ts';
import type { NameKey } from '../wire/name.ts';
import { encodeName, ROOT } from '../wire/name.ts';
import type { Query } from '../wire/query.ts';
import { MessageWriter } from '../wire/writer.ts';
import type { Answer } from './answer.ts';

/** Whoever asks what is withheld may stop asking for this long. */
const TTL_S = 30;

const MAILBOX = encodeName('nobody.invalid') ?? ROOT;

/** Serial, refresh, retry, expire, minimum. */
const TIMES = [1, 3600, 1200, 604_800, TTL_S];

/** That there is nothing in a zone which is not to be asked for elsewhere: an empty zone as in RFC 6303, section 3. */
export function emptyZoneAnswer(query: Query, zone: NameKey): Answer {
  const writer = new MessageWriter(256);
  writer.append(query.packet.subarray(0, query.questionEnd));
  for (const [i, count] of [1, 0, 1, 0].entries()) writer.patchWord(4 + 2 * i, count);
  writer.know(query.name, HEADER_BYTES);
  writer.name(zone);
  writer.word(TYPE.SOA);
  writer.word(CLASS_IN);
  const ttlAt = writer.length;
  writer.long(TTL_S);
  const lengthAt = writer.length;
  writer.word(0);
  writer.name(zone);
  writer.name(MAILBOX);
  for (const time of TIMES) writer.long(time);
  writer.patchWord(lengthAt, writer.length - lengthAt - 2);
  return {
    bytes: writer.bytes,
    flags: FLAG.response | FLAG.authoritative | (query.name === zone ? RCODE.noError : RCODE.nxDomain),
    questionEnd: query.questionEnd,
    layout: Uint16Array.of(ttlAt, writer.length),
    answers: 0,
    authorities: 1,
    addresses: undefined,
  };
}
