import type { IpFamily } from '../../model/address.ts';
import type { RuleSet } from '../rules.ts';
import { isBuiltIn, splitObjectId, TABLES } from './names.ts';
import type { Programs } from './variant.ts';
import { programName } from './variant.ts';

/** What it means that these rules are gone, a line per table. */
export function describeRemoved(rules: RuleSet, family: IpFamily, programs: Programs): readonly string[] {
  return TABLES.flatMap((table) => {
    const ids = [...rules.keys()].filter((id) => splitObjectId(id).table === table);
    const chains = ids.filter((id) => !isBuiltIn(id)).length;
    const hooks = ids.length - chains;
    if (ids.length === 0) return [];
    const jumps = hooks === 0 ? '' : ` and the jumps to them from ${hooks} built-in chains`;
    return [`${programName(family, programs, '')} table ${table}: ${chains} chains${jumps}`];
  });
}
