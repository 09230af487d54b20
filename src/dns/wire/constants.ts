/** Octets of a message before its question (RFC 1035, 4.1.1). */
export const HEADER_BYTES = 12;

/** A whole name on the wire, length octets and the root included (RFC 1035, 2.3.4). */
export const MAX_NAME_BYTES = 255;

export const MAX_LABEL_BYTES = 63;

/** What a client without EDNS can take over UDP (RFC 1035, 4.2.1). */
export const MIN_UDP_BYTES = 512;

/** What the two-octet length of TCP can say. */
export const MAX_MESSAGE_BYTES = 65_535;

/** Bits of the 16-bit word after the id. */
export const FLAG = {
  response: 0x80_00,
  authoritative: 0x04_00,
  truncated: 0x02_00,
  recursionDesired: 0x01_00,
  recursionAvailable: 0x00_80,
  authenticData: 0x00_20,
  checkingDisabled: 0x00_10,
} as const;

/** Response codes (IANA); those above 15 need an OPT record. */
export const RCODE = {
  noError: 0,
  formErr: 1,
  servFail: 2,
  nxDomain: 3,
  notImp: 4,
  refused: 5,
  badVers: 16,
} as const;

/** The record and question types that are given a meaning; any other number is just looked up and not found. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  RRSIG: 46,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(TYPE).map(([name, number]) => [number, name]));

/** `A`; `TYPE65` for types that have no name here (RFC 3597, 5). */
export function typeName(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

export const CLASS_IN = 1;

/** Options inside an OPT record. */
export const EDNS_OPTION = { nsid: 3, extendedError: 15 } as const;

/** The OPT bit that asks for DNSSEC records. */
export const DNSSEC_OK = 0x80_00;

/** Extended DNS errors (RFC 8914) that are sent. */
export const EDE = {
  other: 0,
  staleAnswer: 3,
  cachedError: 13,
  notReady: 14,
  prohibited: 18,
  staleNxDomain: 19,
  notAuthoritative: 20,
  noReachableAuthority: 22,
  invalidData: 24,
} as const;
