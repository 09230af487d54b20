import { TYPE } from '../../../src/dns/wire/constants.ts';
import type { DnsQuery } from './message.ts';
import { packetOf } from './message.ts';

/** What becomes of a packet: a response code, or nothing. */
type Fate = 'NOERROR' | 'FORMERR' | 'NOTIMP' | 'REFUSED' | 'BADVERS' | 'silence';

/** A packet that no resolver sends. */
export interface OddPacket {
  readonly what: string;
  readonly packet: (id: number) => Buffer;
  readonly coredns: Fate;
  readonly sluice: Fate;
}

const QUESTION: DnsQuery = { name: 'service.kube-mark.svc.cluster.local', type: TYPE.A, transport: 'udp' };

const NO_OPTIONS = 'ffff0000';

const OPT = Buffer.from('0000290400000000000000', 'hex');

function operation(opcode: number): OddPacket['packet'] {
  return (id) => packetOf({ ...QUESTION, flags: 0x01_00 | (opcode << 11) }, id);
}

function asked(query: Partial<DnsQuery>): OddPacket['packet'] {
  return (id) => packetOf({ ...QUESTION, ...query }, id);
}

/** A count of the header is another one; `rest` follows. */
function counted(at: number, count: number, rest = Buffer.alloc(0)): OddPacket['packet'] {
  return (id) => {
    const packet = packetOf(QUESTION, id);
    packet.writeUInt16BE(count, at);
    return Buffer.concat([packet, rest]);
  };
}

const padded = { udpBytes: 1232, options: `000c01f4${'00'.repeat(500)}` };

/** The README has those with two fates. */
export const ODD_PACKETS: readonly OddPacket[] = [
  { what: 'operation IQUERY', packet: operation(1), coredns: 'NOTIMP', sluice: 'NOTIMP' },
  { what: 'operation STATUS', packet: operation(2), coredns: 'NOTIMP', sluice: 'NOTIMP' },
  { what: 'operation NOTIFY', packet: operation(4), coredns: 'NOERROR', sluice: 'NOTIMP' },
  { what: 'operation UPDATE', packet: operation(5), coredns: 'NOTIMP', sluice: 'NOTIMP' },
  { what: 'a response', packet: asked({ flags: 0x81_00 }), coredns: 'silence', sluice: 'silence' },
  {
    what: 'half a header',
    packet: (id) => packetOf(QUESTION, id).subarray(0, 6),
    coredns: 'silence',
    sluice: 'silence',
  },
  {
    what: 'half a question',
    packet: (id) => packetOf(QUESTION, id).subarray(0, 20),
    coredns: 'FORMERR',
    sluice: 'FORMERR',
  },
  { what: 'no question', packet: counted(4, 0), coredns: 'FORMERR', sluice: 'FORMERR' },
  { what: 'two questions', packet: counted(4, 2), coredns: 'FORMERR', sluice: 'FORMERR' },
  { what: 'octets after the end', packet: counted(4, 1, Buffer.from('junk')), coredns: 'NOERROR', sluice: 'NOERROR' },
  { what: 'a record announced that is not there', packet: counted(10, 1), coredns: 'NOERROR', sluice: 'FORMERR' },
  {
    what: 'two `OPT` records',
    packet: counted(10, 2, Buffer.concat([OPT, OPT])),
    coredns: 'NOERROR',
    sluice: 'FORMERR',
  },
  {
    what: 'an unknown version of EDNS',
    packet: asked({ edns: { udpBytes: 1232, version: 1 } }),
    coredns: 'BADVERS',
    sluice: 'BADVERS',
  },
  {
    what: 'an unknown option',
    packet: asked({ edns: { udpBytes: 1232, options: NO_OPTIONS } }),
    coredns: 'NOERROR',
    sluice: 'NOERROR',
  },
  { what: 'a query of more than 512 octets', packet: asked({ edns: padded }), coredns: 'FORMERR', sluice: 'NOERROR' },
  { what: 'a class other than IN', packet: asked({ class: 3 }), coredns: 'NOERROR', sluice: 'REFUSED' },
  { what: '`AXFR`', packet: asked({ name: 'cluster.local', type: TYPE.AXFR }), coredns: 'REFUSED', sluice: 'REFUSED' },
  { what: '`IXFR`', packet: asked({ name: 'cluster.local', type: TYPE.IXFR }), coredns: 'REFUSED', sluice: 'REFUSED' },
];
