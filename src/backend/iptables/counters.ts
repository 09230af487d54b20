import type { IpFamily } from '../../model/address.ts';
import { LOCALHOST } from './base.ts';

const COUNTED = /^-A \S+ (.*?) ?-c (\d+) \d+(?: (.*))?$/;

/** How many packets met each rule of a chain, top to bottom, out of `iptables -v -S CHAIN`. */
function countsOf(listing: string): readonly { readonly rule: string; readonly packets: number }[] {
  return listing.split('\n').flatMap((line) => {
    const [, before, packets, after = ''] = COUNTED.exec(line) ?? [];
    return before === undefined ? [] : [{ rule: `${before} ${after}`.trim(), packets: Number(packets) }];
  });
}

/** Packets that KUBE-FORWARD dropped as invalid. */
export function invalidPackets(forward: string): number {
  return countsOf(forward).reduce(
    (sum, { rule, packets }) => (rule.includes('--ctstate INVALID') ? sum + packets : sum),
    0,
  );
}

/** Packets for 127.0.0.0/8 that KUBE-SERVICES counted before its NodePorts and not behind them, so they were taken. */
export function localhostNodePortPackets(services: string, family: IpFamily): number {
  if (family === 'IPv6') return 0;
  const [before = 0, behind = 0] = countsOf(services)
    .filter(({ rule }) => rule.startsWith(`-d ${LOCALHOST} `) && !rule.includes(' -j '))
    .map(({ packets }) => packets);
  return Math.max(0, before - behind);
}
