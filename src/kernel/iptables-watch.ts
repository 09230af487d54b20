import type { LegacyTablesOptions } from './legacy-tables.ts';
import { watchLegacyTables } from './legacy-tables.ts';
import type { RuleEventsOptions, RuleWatch } from './rule-events.ts';
import { watchRuleEvents } from './rule-events.ts';

export interface IptablesWatchOptions extends Omit<RuleEventsOptions, 'ours'>, LegacyTablesOptions {
  readonly variant: 'nf_tables' | 'legacy';
  /** Patterns for the names of chains of ours, and the built-in ones: every jump into ours is in one of those. */
  readonly chains: readonly string[];
}

/** Watches tables that iptables writes to. The nf_tables variant is announced by the kernel, the other is looked at. */
export async function watchIptables(options: IptablesWatchOptions): Promise<RuleWatch> {
  const { variant, tables, chains } = options;
  if (variant === 'legacy') return watchLegacyTables(options);
  return watchRuleEvents({ ...options, ours: `^ip6? (?:${tables.join('|')})(?: (?:${chains.join('|')}))?$` });
}
