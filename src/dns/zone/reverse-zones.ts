import type { Cidr, IpAddress } from '../../model/address.ts';
import { addressBytes, familyOf, prefixLength } from '../../model/address.ts';
import type { NameKey } from '../wire/name.ts';
import { joinLabels } from '../wire/name.ts';

/**
 * The zones that hold the reverse names of a network: `10.96.0.0/12` is `96.10.in-addr.arpa` to `111.10.in-addr.arpa`;
 * at most 256 for an IPv4 network and 16 for an IPv6 one.
 */
export function reverseZones(cidr: Cidr): readonly NameKey[] {
  const family = familyOf(cidr);
  const prefix = prefixLength(cidr);
  const bytes = addressBytes(cidr.slice(0, cidr.indexOf('/')) as IpAddress);
  const isIpv4 = family === 'IPv4';
  const digits = isIpv4 ? bytes : bytes.flatMap((byte) => [byte >> 4, byte & 0x0f]);
  const bitsPerLabel = isIpv4 ? 8 : 4;
  const suffix = [isIpv4 ? 'in-addr' : 'ip6', 'arpa'];
  const labels = Math.max(1, Math.ceil(prefix / bitsPerLabel));
  const siblings = 2 ** (labels * bitsPerLabel - prefix);
  const base = isIpv4 ? 10 : 16;
  const fixed = digits.slice(0, labels - 1).map((digit) => digit.toString(base));
  const first = digits[labels - 1] ?? 0;
  return Array.from({ length: siblings }, (_, i) =>
    joinLabels([...fixed, (first + i).toString(base)].toReversed().concat(suffix)),
  ).filter((zone) => zone !== undefined);
}
