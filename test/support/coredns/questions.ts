import type { Random } from '../../../src/bench/random.ts';
import { TYPE } from '../../../src/dns/wire/constants.ts';
import type { DnsQuery } from './message.ts';

const HTTPS = 65;
const DS = 43;
const UNKNOWN = 65_280;

/** Every name is asked for each of these. */
const TYPES = [
  TYPE.A,
  TYPE.AAAA,
  TYPE.SRV,
  TYPE.PTR,
  TYPE.CNAME,
  TYPE.TXT,
  TYPE.NS,
  TYPE.SOA,
  TYPE.MX,
  TYPE.ANY,
  TYPE.HINFO,
  HTTPS,
  DS,
  0,
  UNKNOWN,
];

/** Those that CoreDNS does not answer for names that do not exist. */
const RARE_TYPES = TYPES.filter((type) => type !== TYPE.SOA);

/** Every name for every type, in full: over TCP. */
export function tableOf(names: readonly string[]): readonly DnsQuery[] {
  return names.flatMap((name) => TYPES.map((type) => ({ name, type, transport: 'tcp' }) as const));
}

/** Names as they are or spoilt, in any case, with any flags, any EDNS, over UDP mostly. */
export function randomQueries(names: readonly string[], count: number, random: Random): readonly DnsQuery[] {
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)] as T;
  return Array.from({ length: count }, () => {
    const chosen = pick(names);
    const name = random.below(2) === 0 ? chosen : spoilt(chosen, pick, random);
    const edns =
      random.below(3) === 0
        ? {}
        : {
            edns: {
              udpBytes: pick([0, 512, 513, 1231, 1232, 1233, 1400, 4096, 65_535]),
              dnssecOk: random.below(2) === 0,
              options: pick(EDNS_OPTIONS),
            },
          };
    return {
      name: random.below(3) === 0 ? inMixedCase(name, random) : name,
      type: pick(random.below(4) === 0 ? RARE_TYPES : [TYPE.A, TYPE.AAAA, TYPE.SRV, TYPE.PTR]),
      transport: pick(['udp', 'udp', 'udp', 'tcp'] as const),
      flags: pick([0x01_00, 0x01_00, 0x00_00, 0x01_10, 0x01_20, 0x01_30]),
      ...edns,
    };
  });
}

/** None, a cookie of a client, a client subnet, one that nobody knows. */
const EDNS_OPTIONS = ['', '', '000a00080102030405060708', '00080007000118000a0000', 'fde900020102'];

const LABELS = [
  'svc',
  'pod',
  'x',
  '*',
  '_tcp',
  '_udp',
  '_http',
  'default',
  '10-244-0-5',
  '1-2-3-4',
  'fd00--1',
  '-',
  'l'.repeat(63),
];

function spoilt(name: string, pick: <T>(list: readonly T[]) => T, random: Random): string {
  const labels = name.split('.').filter((label) => label !== '');
  const at = random.below(labels.length + 1);
  switch (random.below(5)) {
    case 0:
      labels.splice(at, 1);
      break;
    case 1:
      labels.splice(at, 0, pick(LABELS));
      break;
    case 2:
      labels.splice(at, 1, pick(LABELS));
      break;
    case 3:
      labels.splice(0, 0, pick(LABELS));
      break;
    default:
      labels.splice(at, 1, (labels[at] ?? 'x').replace(/^_?/, pick(['_', ''])).slice(0, 63));
  }
  const spoiltName = labels.join('.');
  return spoiltName.length > 250 || labels.includes('') ? name : spoiltName;
}

function inMixedCase(name: string, random: Random): string {
  return name.replace(/[a-z]/g, (letter) => (random.below(2) === 0 ? letter : letter.toUpperCase()));
}
