import { describe, expect, test } from 'vitest';
import { decodeSctp, encodeInit, encodeInitAck } from '../../../src/lab/sctp-packet.ts';

describe('INIT', () => {
  test('comes back as it was sent', () => {
    const packet = decodeSctp(encodeInit(33_000, 3868));
    expect(packet).toEqual({ kind: 'init', sourcePort: 33_000, destinationPort: 3868, tag: expect.any(Number) });
    expect(packet?.tag).toBeGreaterThan(0);
  });

  test('belongs to no association yet, and says how long it is', () => {
    const packet = encodeInit(33_000, 3868);
    expect(packet.readUInt32BE(4)).toBe(0);
    expect(packet.readUInt16BE(14)).toBe(packet.length - 12);
  });
});

describe('INIT ACK', () => {
  test.each(['', 'a', 'ab', 'abc', '{"server":"pod-a"}\n'])('brings %j', (cookie) => {
    const init = decodeSctp(encodeInit(33_000, 3868));
    if (init === undefined) throw new Error('no INIT');
    const answer = encodeInitAck(init, cookie);
    expect(decodeSctp(answer)).toMatchObject({ kind: 'init-ack', sourcePort: 3868, destinationPort: 33_000, cookie });
    expect(answer.readUInt32BE(4)).toBe(init.tag);
    expect(answer.length % 4).toBe(0);
  });
});

test('the checksum is CRC-32C, the low byte first', () => {
  const packet = Buffer.from('80e80f1c00000000000000000100001400000001000100000001000100000001', 'hex');
  packet.writeUInt32LE(0x4d59_2124, 8);
  expect(decodeSctp(packet)).toEqual({ kind: 'init', sourcePort: 33_000, destinationPort: 3868, tag: 1 });
});

describe('nothing is made of', () => {
  const whole = encodeInit(33_000, 3868);
  const damaged = Buffer.from(whole);
  damaged.writeUInt8(damaged.readUInt8(20) ^ 1, 20);

  test.each([
    ['no bytes', Buffer.alloc(0)],
    ['half a packet', whole.subarray(0, 16)],
    ['a packet with a flipped bit', damaged],
  ])('%s', (_what, packet) => {
    expect(decodeSctp(packet)).toBeUndefined();
  });
});
