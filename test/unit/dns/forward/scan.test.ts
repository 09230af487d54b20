import { assert, constantFrom, integer, nat, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainData, scanMessage, soaMinimumS, targetOf } from '../../../../src/dns/forward/scan.ts';
import { FLAG, RCODE, TYPE } from '../../../../src/dns/wire/constants.ts';
import { a, alias, key, query, response, soa, text } from './messages.ts';

const QUERY = query('wWw.Example.org');

/** Header and question of an answer with one record, of which the octets after the header are given. */
function oneRecord(octets: string): Buffer {
  const head = response(QUERY);
  head.writeUInt16BE(1, 6);
  return Buffer.concat([head, Buffer.from(octets, 'latin1')]);
}

/** The TTL of the first is at 39 to 42. */
function twoRecords(secondOwner: string): Buffer {
  const address = '\0\x01\0\x01\0\0\0\0\0\x04abcd';
  const bytes = oneRecord(`\xc0\x0c${address}${secondOwner}${address}`);
  bytes.writeUInt16BE(2, 6);
  return bytes;
}

describe('a sound message', () => {
  test('is taken apart, OPT left out', () => {
    const bytes = response(QUERY, {
      answer: [alias('www.example.org', 'web.example.org', 60), a('web.example.org', '192.0.2.1', 30)],
      authority: [soa('example.org', { ttlS: 100, minimumS: 7 })],
      additional: [a('ns.example.org', '192.0.2.53')],
      opt: true,
    });
    const message = scanMessage(bytes);
    expect(message).toMatchObject({ hasEdns: true, rcode: RCODE.noError, questionEnd: QUERY.questionEnd });
    const records = message?.records ?? [];
    expect(records.map(({ section, owner, type, ttlS }) => [section, owner, type, ttlS])).toEqual([
      ['answer', key('www.example.org'), TYPE.CNAME, 60],
      ['answer', key('web.example.org'), TYPE.A, 30],
      ['authority', key('example.org'), TYPE.SOA, 100],
      ['additional', key('ns.example.org'), TYPE.A, 300],
    ]);
    const [cname, , authority] = records;
    if (message === undefined || cname === undefined || authority === undefined) throw new Error('not scanned');
    expect(targetOf(message, cname)).toBe(key('web.example.org'));
    expect(Buffer.from(plainData(message, cname)).toString('latin1')).toBe(key('web.example.org'));
    expect(soaMinimumS(message, authority)).toBe(7);
    expect(plainData(message, authority)).toHaveLength(
      key('ns.example.org').length + key('hostmaster.example.org').length + 20,
    );
  });

  test('octets behind the last record do not matter', () => {
    const bytes = Buffer.concat([
      response(QUERY, { answer: [a('www.example.org', '192.0.2.1')] }),
      Buffer.from('junk'),
    ]);
    expect(scanMessage(bytes)?.records).toHaveLength(1);
  });

  test('a TTL with the highest bit is 0', () => {
    const message = scanMessage(response(QUERY, { answer: [a('www.example.org', '192.0.2.1', 0x80_00_00_01)] }));
    expect(message?.records[0]?.ttlS).toBe(0);
  });

  test('the upper bits of the response code come from OPT', () => {
    const bytes = response(QUERY, { opt: true, rcode: 0 });
    bytes[bytes.length - 6] = 1;
    expect(scanMessage(bytes)?.rcode).toBe(RCODE.badVers);
  });

  test('whole records of a truncated message are kept', () => {
    const answer = [a('www.example.org', '192.0.2.1'), a('www.example.org', '192.0.2.2')];
    const bytes = response(QUERY, { flags: FLAG.truncated, answer });
    expect(scanMessage(bytes.subarray(0, -3))?.records).toHaveLength(1);
  });
});

describe('no sound message', () => {
  test.each([
    ['shorter than a header', Buffer.alloc(11)],
    ['without a question', Buffer.alloc(12)],
    ['a record is missing', oneRecord('')],
    ['a record ends early', response(QUERY, { answer: [a('www.example.org', '192.0.2.1')] }).subarray(0, -1)],
    ['the owner points to itself', oneRecord('\xc0\x21\0\x01\0\x01\0\0\0\0\0\x04abcd')],
    ['the owner points ahead', oneRecord('\xc0\x30\0\x01\0\x01\0\0\0\0\0\x04abcd')],
    ['the owner points into the header', oneRecord('\xc0\x04\0\x01\0\x01\0\0\0\0\0\x04abcd')],
    ['the owner of the next one points into a TTL', twoRecords('\xc0\x27')],
    ['the owner of the next one leads into a TTL', twoRecords('\xc0\x26')],
    ['the owner of the next one points into an address', twoRecords('\xc0\x2d')],
    ['an address of three octets', oneRecord('\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x03abc')],
    ['an alias of two names', oneRecord('\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x04\x01a\0\0')],
    ['an alias that points ahead', oneRecord('\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x02\xc1\0')],
    ['an alias longer than its record', oneRecord('\xc0\x0c\0\x05\0\x01\0\0\0\0\0\x02\x01a\0')],
    ['OPT in the answer section', oneRecord('\0\0\x29\x04\xd0\0\0\0\0\0\0')],
    ['OPT of a name', Buffer.concat([countAdditional(1), Buffer.from('\x01a\0\0\x29\x04\xd0\0\0\0\0\0\0', 'latin1')])],
    [
      'two OPT records',
      Buffer.concat([countAdditional(2), ...Array(2).fill(Buffer.from('\0\0\x29\x04\xd0\0\0\0\0\0\0', 'latin1'))]),
    ],
  ])('%s', (_what, bytes) => {
    expect(scanMessage(bytes)).toBeUndefined();
  });

  function countAdditional(count: number): Buffer {
    const head = response(QUERY);
    head.writeUInt16BE(count, 10);
    return head;
  }
});

describe('whatever arrives', () => {
  const sound = response(QUERY, {
    answer: [
      alias('www.example.org', 'web.example.org'),
      a('web.example.org', '192.0.2.1'),
      text('web.example.org', 40),
    ],
    authority: [soa('example.org')],
    additional: [a('ns.example.org', '192.0.2.53')],
    opt: true,
  });

  test('octets of chance are scanned or refused, and all offsets lead into the message', () => {
    assert(property(uint8Array({ maxLength: 300 }), expectBounded), { numRuns: 5000 });
  });

  test('so is a message of which some octets are wrong, or the end is missing', () => {
    const damage = tuple(nat(sound.length - 1), constantFrom(0, 1, 0x3f, 0x40, 0xc0, 0xff, 12));
    assert(
      property(damage, damage, integer({ min: 0, max: sound.length }), (first, second, length) => {
        const bytes = Buffer.from(sound.subarray(0, length));
        for (const [at, octet] of [first, second]) if (at < bytes.length) bytes[at] = octet;
        expectBounded(bytes);
      }),
      { numRuns: 20_000 },
    );
  });

  test('a message of nothing but pointers to pointers is done in no time', () => {
    const records = 5000;
    const bytes = Buffer.alloc(12 + 5 + 2 * 125 + records * 12);
    bytes.writeUInt16BE(FLAG.response, 2);
    bytes.writeUInt16BE(1, 4);
    bytes.writeUInt16BE(records, 6);
    // An opaque record with 124 pointers, each to the one before; all others begin with the last of them.
    let at = 17;
    const fixed = Buffer.from('\0\x01\0\x01\0\0\0\0', 'latin1');
    for (let i = 0; i < records; i++) {
      const isFirst = i === 0;
      bytes.writeUInt16BE(isFirst ? 0xc0_0c : 0xc0_00 | (17 + 12 + 2 * 123), at);
      bytes.set(fixed, at + 2);
      bytes.writeUInt16BE(isFirst ? 0xff_00 : 0xff_00, at + 2);
      bytes.writeUInt16BE(isFirst ? 2 * 124 : 0, at + 10);
      at += 12;
      if (!isFirst) continue;
      for (let hop = 0; hop < 124; hop++, at += 2) bytes.writeUInt16BE(0xc0_00 | (hop === 0 ? 12 : at - 2), at);
    }
    expect(scanMessage(bytes)?.records).toHaveLength(records);
  });

  function expectBounded(bytes: Uint8Array): void {
    const message = scanMessage(bytes);
    let end = message?.questionEnd ?? 0;
    for (const record of message?.records ?? []) {
      expect(record.ttlAt).toBeGreaterThanOrEqual(end);
      expect(record.end).toBeGreaterThanOrEqual(record.dataAt);
      end = record.end;
    }
    expect(end).toBeLessThanOrEqual(bytes.length);
  }
});
