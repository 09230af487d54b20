import { array, assert, constantFrom, integer, nat, property, record, tuple } from 'fast-check';
import { expect, test } from 'vitest';
import { prepareAnswer } from '../../../../src/dns/forward/answer.ts';
import { buildReply } from '../../../../src/dns/forward/reply.ts';
import { scanMessage } from '../../../../src/dns/forward/scan.ts';
import { FLAG } from '../../../../src/dns/wire/constants.ts';
import { OPT } from './fake-upstream.ts';
import { a, alias, query, response, soa, text } from './messages.ts';

const ASKED = query('www.example.org', { edns: true });
const PLAIN = query('WWW.example.ORG', { id: 1 });

const SOUND = response(ASKED, {
  answer: [
    alias('www.example.org', 'web.example.org'),
    a('web.example.org', '192.0.2.1'),
    a('web.example.org', '192.0.2.2'),
    text('web.example.org', 300),
  ],
  authority: [soa('example.org')],
  additional: [a('ns.example.org', '192.0.2.53'), text('ns.example.org', 300)],
  opt: true,
});

test('whatever was accepted from an upstream makes sound replies: of any size, at any age, for any client', () => {
  const damage = tuple(
    integer({ min: ASKED.questionEnd, max: SOUND.length - 1 }),
    constantFrom(0, 1, 5, 7, 12, 63, 0xc0, 0xff),
  );
  const client = record({
    asked: constantFrom(ASKED, PLAIN),
    maxBytes: integer({ min: 128, max: 1232 }),
    ageS: nat(40),
    turn: nat(3),
    error: constantFrom(undefined, { code: 3, text: 'stale' }),
  });
  assert(
    property(array(damage, { maxLength: 3 }), client, (damages, { asked, maxBytes, ageS, turn, error }) => {
      const bytes = Buffer.from(SOUND);
      for (const [at, octet] of damages) bytes[at] = octet;
      const message = scanMessage(bytes);
      if (message === undefined) return;
      const answer = prepareAnswer(message, { minTtlS: 0, maxTtlS: 30, isUnwanted: () => false });
      const options = { answer, query: asked, maxBytes, opt: OPT, ageS, turn };
      const bytesOut = buildReply({ ...options, ...(error === undefined ? {} : { error }) });
      const reply = scanMessage(bytesOut);
      expect(bytesOut.length).toBeLessThanOrEqual(maxBytes);
      if (reply === undefined) throw new Error(`unreadable: ${bytesOut.toString('hex')}`);
      expect(reply.hasEdns).toBe(asked.edns !== undefined);
      // The records are the first of those that came, with TTLs that have passed.
      const expected = message.records.slice(0, reply.records.length);
      expect(reply.records.map(({ owner }) => owner)).toEqual(expected.map(({ owner }) => owner));
      expect(reply.records.map(({ ttlS }) => ttlS)).toEqual(
        expected.map(({ ttlS }) => Math.max(0, Math.min(30, ttlS) - ageS)),
      );
      const [answers = 0, all = 0] = [reply, message].map(
        ({ records }) => records.filter(({ section }) => section === 'answer').length,
      );
      expect((reply.flags & FLAG.truncated) !== 0).toBe((message.flags & FLAG.truncated) !== 0 || answers < all);
    }),
    { numRuns: 5000 },
  );
});
