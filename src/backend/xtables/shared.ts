import type { RuleObject, RuleSet } from '../rules.ts';
import type { Table } from './names.ts';
import { isBuiltIn, objectId, splitObjectId } from './names.ts';

/** Chains that kube-proxy has in both of its modes that use iptables. */
const SHARED: Readonly<Record<Table, readonly string[]>> = {
  filter: ['KUBE-FORWARD', 'KUBE-PROXY-FIREWALL'],
  nat: ['KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'],
  mangle: [],
};

/** Are the shared chains there for virtual servers? Only then do Services go by ipsets, or node ports through this chain. */
export function isForIpvs(rules: RuleSet): boolean {
  const services = rules.get(objectId('nat', 'KUBE-SERVICES'));
  return services?.ordered === true && services.lines.some((line) => /--match-set KUBE-|-j KUBE-NODE-PORT$/.test(line));
}

/** The same rules without shared chains, and without the jumps to them. */
export function withoutShared(rules: RuleSet): RuleSet {
  return rules.update((draft) => {
    for (const [id, object] of rules) {
      const { table, chain } = splitObjectId(id);
      if (SHARED[table].includes(chain)) draft.delete(id);
      else if (isBuiltIn(id)) {
        const rest = withoutJumps(object, SHARED[table]);
        if (rest.length === 0) draft.delete(id);
        else draft.set(id, { ordered: true, definition: object.definition, lines: rest });
      }
    }
  });
}

function withoutJumps(object: RuleObject, chains: readonly string[]): readonly string[] {
  const lines = object.ordered ? object.lines : [];
  return lines.filter((line) => !chains.some((chain) => line.endsWith(` ${chain}`)));
}
