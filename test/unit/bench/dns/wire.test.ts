import { expect, test } from 'vitest';
import { addressQuery, anyAnswer, lastAddress } from '../../../../src/bench/dns/wire.ts';
import { Packet } from '../../../../src/dns/codec.ts';

test('a question and its made-up answer are what DNS wants', () => {
  const query = addressQuery('web.default.svc.cluster.local', 4711);
  expect(Packet.parse(query)).toMatchObject({
    header: { id: 4711, rd: 1, qr: 0 },
    questions: [{ name: 'web.default.svc.cluster.local', type: 1, class: 1 }],
  });
  const reply = anyAnswer(query);
  expect(Packet.parse(reply)).toMatchObject({
    header: { id: 4711, qr: 1, ra: 1, rcode: 0 },
    answers: [{ name: 'web.default.svc.cluster.local', type: 1, address: '192.0.2.1', ttl: 300 }],
    additionals: [],
  });
  expect(lastAddress(reply)).toBe('192.0.2.1');
  expect(lastAddress(query)).toBeUndefined();
});
