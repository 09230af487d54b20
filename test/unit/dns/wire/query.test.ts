import { Packet } from '../../../../src/dns/codec.ts';
import { describe, expect, test } from 'vitest';
import { CLASS_IN, HEADER_BYTES, TYPE } from '../../../../src/dns/wire/constants.ts';
import { isRefusal, parseQuery, word } from '../../../../src/dns/wire/query.ts';

const QUESTION = '\x03wWw\x02De\0\0\x01\0\x01';
const OPT = '\0\0\x29\x04\xd0\0\0\x80\0\0\0';

/** Header of a query with RD; counts as given. */
function message(counts: readonly [number, number, number, number], body: string, flags = '\x01\x00'): Buffer {
  return Buffer.from(`\x12\x34${flags}${counts.map((n) => `\0${String.fromCharCode(n)}`).join('')}${body}`, 'latin1');
}

describe('a good query', () => {
  test('is read, its name folded, its question kept', () => {
    const packet = message([1, 0, 0, 0], QUESTION);
    const query = parseQuery(packet);
    expect(query).toMatchObject({ id: 0x1234, flags: 0x0100, name: '\x03www\x02de\0', type: TYPE.A, class: CLASS_IN });
    if (isRefusal(query)) throw new Error('refused');
    expect(packet.toString('latin1', HEADER_BYTES, query.questionEnd)).toBe(QUESTION);
    expect(query.edns).toBeUndefined();
  });

  test('as dns2 writes it', () => {
    const packet = new Packet();
    packet.header.id = 77;
    packet.questions.push(new Packet.Question('_http._tcp.web.default', TYPE.SRV, CLASS_IN));
    const octets = packet.toBuffer();
    expect(word(octets, 0)).toBe(77);
    expect(parseQuery(octets)).toMatchObject({
      id: 77,
      name: '\x05_http\x04_tcp\x03web\x07default\0',
      type: TYPE.SRV,
    });
  });

  test.each([
    [
      'an OPT record',
      [1, 0, 0, 1],
      `${QUESTION}${OPT}`,
      { udpBytes: 1232, version: 0, dnssecOk: true, wantsNsid: false },
    ],
    [
      'NSID and a cookie',
      [1, 0, 0, 1],
      `${QUESTION}\0\0\x29\x02\0\0\x01\0\0\0\x10\0\x0a\0\x08abcdefgh\0\x03\0\0`,
      { udpBytes: 512, version: 1, dnssecOk: false, wantsNsid: true },
    ],
    [
      'a signature behind it',
      [1, 0, 0, 2],
      `${QUESTION}${OPT}\0\0\xfa\0\xff\0\0\0\0\0\x01x`,
      { udpBytes: 1232, version: 0, dnssecOk: true, wantsNsid: false },
    ],
    [
      'records that queries need not have',
      [1, 1, 1, 0],
      `${QUESTION}\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x00\0\0\x02\0\x01\0\0\0\0\0\x00`,
      undefined,
    ],
    ['octets behind the last record', [1, 0, 0, 0], `${QUESTION}junk`, undefined],
  ] as const)('%s', (_what, counts, body, edns) => {
    expect(parseQuery(message(counts, body))).toMatchObject({ name: '\x03www\x02de\0', edns });
  });
});

describe('what is not answered', () => {
  test.each([
    ['less than a header', Buffer.alloc(11)],
    ['a response', message([1, 0, 0, 0], QUESTION, '\x81\0')],
  ])('%s', (_what, packet) => expect(parseQuery(packet)).toEqual({ refusal: 'silence' }));
});

describe('what gets a header only', () => {
  test.each([
    ['inverse query', '\x08\0'],
    ['status', '\x10\0'],
    ['notify', '\x20\0'],
    ['update', '\x28\0'],
  ])('%s: NOTIMP', (_what, flags) => {
    expect(parseQuery(message([1, 0, 0, 0], QUESTION, flags))).toEqual({ refusal: 'header', rcode: 4 });
  });

  test.each([
    ['no question', [0, 0, 0, 0], ''],
    ['two questions', [2, 0, 0, 0], `${QUESTION}${QUESTION}`],
    ['two answers', [1, 2, 0, 0], QUESTION],
    ['two authorities', [1, 0, 2, 0], QUESTION],
    ['three additional records', [1, 0, 0, 3], QUESTION],
    ['a question that ends early', [1, 0, 0, 0], '\x03www\x02de\0\0\x01\0'],
    ['a name that ends early', [1, 0, 0, 0], '\x03www\x05de'],
    ['a name without end', [1, 0, 0, 0], '\x03www'],
    ['a pointer in the question', [1, 0, 0, 0], '\xc0\x0c\0\x01\0\x01'],
    ['an unknown kind of label', [1, 0, 0, 0], '\x41a\0\0\x01\0\x01'],
    ['a name of 256 octets', [1, 0, 0, 0], `${`\x3f${'a'.repeat(63)}`.repeat(3)}\x3e${'a'.repeat(62)}\0\0\x01\0\x01`],
    ['a record that is not there', [1, 0, 0, 1], QUESTION],
    ['a record that ends early', [1, 0, 0, 1], `${QUESTION}\0\0\x29\x04\xd0\0\0\0\0\0\x01`],
    ['two OPT records', [1, 0, 0, 2], `${QUESTION}${OPT}${OPT}`],
    ['an OPT record with a name', [1, 0, 0, 1], `${QUESTION}\x01a${OPT}`],
    ['an option that ends early', [1, 0, 0, 1], `${QUESTION}\0\0\x29\x04\xd0\0\0\0\0\0\x05\0\x03\0\x02a`],
    ['half an option', [1, 0, 0, 1], `${QUESTION}\0\0\x29\x04\xd0\0\0\0\0\0\x02\0\x03`],
  ] as const)('%s: FORMERR', (_what, counts, body) => {
    expect(parseQuery(message(counts, body))).toEqual({ refusal: 'header', rcode: 1 });
  });
});
