import type { Config } from '../config/resolve.ts';
import type { DnsChange } from '../model/dns-change.ts';
import { dnsChangeOf } from '../model/dns-change.ts';
import { describeProblem } from '../model/problem.ts';
import type { ObjectEvent } from '../model/store.ts';

/** What objects mean to DNS, and what is wrong with them, one line each. */
export function dnsChangesOf(
  events: Iterable<ObjectEvent>,
  { dnsPodNames, dnsZonalNames }: Pick<Config, 'dnsPodNames' | 'dnsZonalNames'>,
): { readonly changes: readonly DnsChange[]; readonly problems: readonly string[] } {
  const decoded = Array.from(events, (event) => dnsChangeOf(event, { podNames: dnsPodNames, zonal: dnsZonalNames }));
  return {
    changes: decoded.flatMap(({ change }) => change ?? []),
    problems: decoded.flatMap(({ problems }) => problems.map(describeProblem)),
  };
}
