import { queryPacket } from './cluster.ts';

/** Numbers below what is asked for: small, fast, and the same on every machine (mulberry32). */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const TYPES = ['A', 'AAAA', 'SRV', 'CNAME', 'PTR', 'TXT', 'ANY', 'NS', 'SOA', 'TYPE65'];
const NAMES = [
  'web.default.svc.cluster.local',
  '_http._tcp.web.default.svc.cluster.local',
  'db-0.db.default.svc.cluster.local',
  'alias.default.svc.cluster.local',
  '1-2-3-4.default.pod.cluster.local',
  'cluster.local',
  '10.0.96.10.in-addr.arpa',
  'a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa',
  'example.org',
  '.',
];
const GOOD = NAMES.flatMap((name) =>
  TYPES.flatMap((type) => [queryPacket(name, type), queryPacket(name, type, { edns: { options: '\0\x03\0\0' } })]),
);

/** A good query with some damage, or nothing but noise. */
export function makePacket(random: (below: number) => number): Buffer {
  if (random(8) === 0) return Buffer.from(Uint8Array.from({ length: random(80) }, () => random(256)));
  let packet = Buffer.from(GOOD[random(GOOD.length)] ?? []);
  for (let damage = random(4); damage > 0; damage--) {
    const at = random(packet.length + 1);
    switch (random(4)) {
      case 0:
        packet[at] = random(256);
        break;
      case 1:
        packet = packet.subarray(0, at);
        break;
      case 2: // Lengths and pointers are where parsers go wrong.
        packet[at] = [0, 0x3f, 0x40, 0xc0, 0xff][random(5)] ?? 0;
        break;
      default:
        packet = Buffer.concat([packet.subarray(0, at), packet.subarray(random(at + 1))]);
    }
  }
  return packet;
}
