import { createHash } from 'node:crypto';
import { linesIn } from '../../base/lines.ts';
import type { Steps } from '../../base/steps.ts';
import { ITEMS_PER_STEP } from '../../base/steps.ts';
import type { IpFamily } from '../../model/address.ts';

/** What costs little to ask for, as {@link file://./machine.ts} has it. */
export interface OutlineSources {
  /** `ipset list -terse`. */
  readonly setHeads: string;
  readonly addresses: string | undefined;
  /** `/proc/net/ip_vs`. */
  readonly table: string | undefined;
}

/**
 * A short text that changes whenever somebody adds, removes or changes a virtual server, a destination or an address of the
 * family, or the number of entries of an ipset. Connections that come and go do not change it; nor does an entry of an ipset
 * that was replaced by another. In steps.
 */
export function* outlineOf({ setHeads, addresses, table }: OutlineSources, family: IpFamily): Steps<string> {
  const isIpv6 = family === 'IPv6';
  const hash = createHash('sha256');
  for (const [, name = '', entries] of setHeads.matchAll(/^Name: (KUBE-\S+)$[^]*?^Number of entries: (\d+)$/gm)) {
    if (name.startsWith('KUBE-6-') === isIpv6) hash.update(`${name} ${entries}\n`);
  }
  hash.update(addresses === undefined ? 'no device\n' : 'device\n');
  let seen = 0;
  for (const line of linesIn(addresses ?? '')) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    if (line.includes(' inet6 ') === isIpv6) hash.update(`${line}\n`);
  }
  for (const line of linesIn(table ?? '')) {
    if (++seen % ITEMS_PER_STEP === 0) yield;
    // A mark is said without its family.
    if (line.includes('[') === isIpv6 || line.startsWith('FWM')) hash.update(`${withoutConnections(line)}\n`);
  }
  return hash.digest('hex');
}

/** `  -> 0AF40107:1F90      Masq    1      0          0`: the last two are counts. */
function withoutConnections(line: string): string {
  return line.startsWith('  ->') ? line.trimEnd().replace(/ +\d+ +\d+$/, '') : line;
}
