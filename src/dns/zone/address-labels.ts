import type { Octets } from '../../model/dns-octets.ts';
import { addressOctets } from '../../model/dns-octets.ts';
import { parseIpAddress } from '../../model/address.ts';
import type { NameKey } from '../wire/name.ts';
import { encodeName } from '../wire/name.ts';

/** Where reverse lookups live. */
export const REVERSE_ZONES = { IPv4: 'in-addr.arpa', IPv6: 'ip6.arpa' } as const;

const REVERSE_V4: NameKey = encodeName(REVERSE_ZONES.IPv4) ?? '';
const REVERSE_V6: NameKey = encodeName(REVERSE_ZONES.IPv6) ?? '';

const DASHED_V4 = /^(?:(?:0|[1-9]\d{0,2})-){3}(?:0|[1-9]\d{0,2})$/;
const DASHED_V6 = /^[0-9a-f-]{2,39}$/;
const DECIMAL_OCTET = /^(?:0|[1-9]\d{0,2})$/;
const NIBBLE = /^[0-9a-f]$/;

/**
 * An address as a label: dots and colons become dashes, and a dash at the end gets a 0 after it, because no label ends in
 * one: `2001:db8::` is `2001-db8--0`.
 */
export function dashedLabel(address: Octets): string {
  const label = addressText(address).replace(/[.:]/g, '-');
  return label.endsWith('-') ? `${label}0` : label;
}

/** Any spelling of the address that a label can have. @returns `undefined` when it spells none. */
export function parseDashed(label: string): Octets | undefined {
  const v4 = DASHED_V4.test(label);
  if (!v4 && !DASHED_V6.test(label)) return undefined;
  const address = parseIpAddress(label.replaceAll('-', v4 ? '.' : ':'));
  return address === undefined ? undefined : addressOctets(address);
}

/** Canonical text (RFC 5952) of 4 or 16 octets. */
export function addressText(address: Octets): string {
  const octets = Array.from(address, (octet) => octet.charCodeAt(0));
  if (octets.length === 4) return octets.join('.');
  const words = Array.from({ length: 8 }, (_, i) =>
    (((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0)).toString(16),
  );
  return parseIpAddress(words.join(':')) ?? words.join(':');
}

/** `4.3.2.1.in-addr.arpa` or its IPv6 counterpart. */
export function reverseName(address: Octets): NameKey {
  const octets = Array.from(address, (octet) => octet.charCodeAt(0)).toReversed();
  if (octets.length === 4) return encodeName(`${octets.join('.')}.${REVERSE_ZONES.IPv4}`) ?? '';
  const nibbles = octets.flatMap((octet) => [octet & 15, octet >> 4].map((nibble) => nibble.toString(16)));
  return encodeName(`${nibbles.join('.')}.${REVERSE_ZONES.IPv6}`) ?? '';
}

/**
 * The address that a reverse name spells in full.
 *
 * @param labels of the name in lower case, from left to right, those of the reverse zone included.
 */
export function parseReverse(name: NameKey, labels: readonly string[]): Octets | undefined {
  if (name.endsWith(REVERSE_V4) && labels.length === 6) {
    const parts = labels.slice(0, 4);
    const good = parts.every((part) => DECIMAL_OCTET.test(part) && Number(part) <= 255);
    return good
      ? parts
          .toReversed()
          .map((part) => String.fromCharCode(Number(part)))
          .join('')
      : undefined;
  }
  if (!name.endsWith(REVERSE_V6) || labels.length !== 34) return undefined;
  const nibbles = labels.slice(0, 32);
  if (!nibbles.every((nibble) => NIBBLE.test(nibble))) return undefined;
  const hex = nibbles.toReversed().join('');
  return Array.from({ length: 16 }, (_, i) =>
    String.fromCharCode(Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
  ).join('');
}

/**
 * Whether a reverse name can be the end of longer ones: the last octets or nibbles of an address are missing.
 *
 * @param labels as for {@link parseReverse}.
 */
export function isPartOfReverse(labels: readonly string[]): boolean {
  const parts = labels.slice(0, -2);
  if (labels.at(-2) === 'ip6') return parts.length < 32 && parts.every((nibble) => NIBBLE.test(nibble));
  return parts.length < 4 && parts.every((part) => DECIMAL_OCTET.test(part) && Number(part) <= 255);
}
