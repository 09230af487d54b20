/** As little of RFC 1035 as a client of one question and a stand-in for an upstream need. */

const HEADER_BYTES = 12;
const TYPE_AND_CLASS = Buffer.from([0, 1, 0, 1]);

/** A question for the IPv4 address of a name, with RD. */
export function addressQuery(name: string, id: number): Buffer {
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(id, 0);
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([header, ...labels, Buffer.from([0]), TYPE_AND_CLASS]);
}

/** The address that a reply ends with, if it has an answer and nothing after it. */
export function lastAddress(reply: Buffer): string | undefined {
  return reply.readUInt16BE(6) === 0 ? undefined : [...reply.subarray(-4)].join('.');
}

/** `192.0.2.1` for every name, good for five minutes; without EDNS. */
export function anyAnswer(query: Buffer): Buffer {
  let end = HEADER_BYTES;
  while ((query[end] ?? 0) > 0) end += 1 + (query[end] ?? 0);
  end += 1 + TYPE_AND_CLASS.length;
  const reply = Buffer.concat([
    query.subarray(0, end),
    Buffer.from([0xc0, HEADER_BYTES]),
    TYPE_AND_CLASS,
    Buffer.from([0, 0, 1, 44, 0, 4, 192, 0, 2, 1]),
  ]);
  reply.writeUInt16BE(0x8180, 2);
  for (const [at, count] of [
    [4, 1],
    [6, 1],
    [8, 0],
    [10, 0],
  ] as const)
    reply.writeUInt16BE(count, at);
  return reply;
}
