import { randomInt } from 'node:crypto';

/** The chunks that open an association (RFC 9260, sections 3.3.2 and 3.3.3). */
const INIT = 1;
const INIT_ACK = 2;
/** The parameter of an INIT ACK that the server will get back; only the server knows what is in it. */
const STATE_COOKIE = 7;

const HEADER_BYTES = 12;
const INIT_BYTES = 20;
const CHECKSUM_OFFSET = 8;
const WINDOW_BYTES = 65_536;

/** What the lab reads of a packet; `cookie` is there in an INIT ACK only. */
export interface SctpPacket {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly kind: 'init' | 'init-ack';
  /** Names the association in packets to whoever sent this one. */
  readonly tag: number;
  readonly cookie?: string;
}

/** The first packet of an association. */
export function encodeInit(sourcePort: number, destinationPort: number): Buffer {
  return encode({ sourcePort, destinationPort, verificationTag: 0, chunk: INIT, parameters: Buffer.alloc(0) });
}

/** The answer to {@link encodeInit}, with a text for the client. */
export function encodeInitAck(init: SctpPacket, cookie: string): Buffer {
  const text = Buffer.from(cookie);
  const parameters = Buffer.alloc((4 + text.length + 3) & ~3);
  parameters.writeUInt16BE(STATE_COOKIE, 0);
  parameters.writeUInt16BE(4 + text.length, 2);
  text.copy(parameters, 4);
  const { sourcePort: destinationPort, destinationPort: sourcePort, tag: verificationTag } = init;
  return encode({ sourcePort, destinationPort, verificationTag, chunk: INIT_ACK, parameters });
}

function encode(packet: {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly verificationTag: number;
  readonly chunk: number;
  readonly parameters: Buffer;
}): Buffer {
  const head = Buffer.alloc(HEADER_BYTES + INIT_BYTES);
  head.writeUInt16BE(packet.sourcePort, 0);
  head.writeUInt16BE(packet.destinationPort, 2);
  head.writeUInt32BE(packet.verificationTag, 4);
  head.writeUInt8(packet.chunk, 12);
  head.writeUInt16BE(INIT_BYTES + packet.parameters.length, 14);
  head.writeUInt32BE(randomInt(1, 2 ** 32), 16);
  head.writeUInt32BE(WINDOW_BYTES, 20);
  // One stream each way.
  head.writeUInt16BE(1, 24);
  head.writeUInt16BE(1, 26);
  head.writeUInt32BE(1, 28);
  const whole = Buffer.concat([head, packet.parameters]);
  whole.writeUInt32LE(crc32c(whole), CHECKSUM_OFFSET);
  return whole;
}

/** Reads an INIT or INIT ACK; `undefined` for anything else, and for what was damaged on the way. */
export function decodeSctp(packet: Buffer): SctpPacket | undefined {
  if (packet.length < HEADER_BYTES + INIT_BYTES) return undefined;
  const zeroed = Buffer.from(packet);
  zeroed.writeUInt32LE(0, CHECKSUM_OFFSET);
  if (crc32c(zeroed) !== packet.readUInt32LE(CHECKSUM_OFFSET)) return undefined;
  const chunk = packet.readUInt8(12);
  if (chunk !== INIT && chunk !== INIT_ACK) return undefined;
  const common = {
    sourcePort: packet.readUInt16BE(0),
    destinationPort: packet.readUInt16BE(2),
    tag: packet.readUInt32BE(16),
  };
  if (chunk === INIT) return { ...common, kind: 'init' };
  const start = HEADER_BYTES + INIT_BYTES;
  if (packet.length < start + 4 || packet.readUInt16BE(start) !== STATE_COOKIE) return undefined;
  const cookie = packet.toString('utf8', start + 4, start + packet.readUInt16BE(start + 2));
  return { ...common, kind: 'init-ack', cookie };
}

/** RFC 9260, appendix A: the Castagnoli polynomial, bits reflected. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
