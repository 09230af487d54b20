import { existsSync } from 'node:fs';
import type { IpFamily } from '../model/address.ts';
import { IP_FAMILIES } from '../model/address.ts';

/** The address families that this network namespace speaks; IPv6 can be compiled out or switched off at boot. */
export function kernelFamilies(): readonly IpFamily[] {
  return IP_FAMILIES.filter((family) => family === 'IPv4' || existsSync('/proc/net/if_inet6'));
}
