import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../../src/backend/assembly.ts';
import { encodeChange } from '../../../../src/backend/xtables/encode.ts';
import { parseSave } from '../../../../src/backend/iptables/parse.ts';
import { iptablesSpelling } from '../../../../src/backend/iptables/render.ts';
import { sizeOf, splitChange } from '../../../../src/backend/xtables/split.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES, NO_RULES } from '../../../../src/backend/rules.ts';
import { IP_FAMILIES } from '../../../../src/model/address.ts';
import { FakeTables } from '../../../support/fake-iptables.ts';
import { FOREIGN_RULES, KUBE_PROXY_RULES, KUBELET_RULES } from '../../../support/kube-proxy-rules.ts';
import { planHistoryArbitrary } from '../../../support/plans.ts';

const spelling = iptablesSpelling({ masqueradeBit: 14, conntrackBeLiberal: false });

/** The difference as data, for messages that can be read. */
function difference(from: RuleSet, to: RuleSet): unknown {
  return diffRuleSets(from, to);
}

/** Applies what leads from one rule set to the other; the fake kernel refuses what the kernel would refuse. */
function write(tables: FakeTables, from: RuleSet, to: RuleSet): void {
  expect(tables.restore(encodeChange(diffRuleSets(from, to)))).toBeUndefined();
}

describe.each(IP_FAMILIES)('any history of plans, %s', (family) => {
  const histories = planHistoryArbitrary(family);

  test('what is taken over ends alike, and leaves nothing but foreign rules when it is removed', () => {
    fc.assert(
      fc.property(histories, (plans) => {
        const tables = new FakeTables();
        tables.restore(FOREIGN_RULES);
        tables.restore(KUBELET_RULES);
        const untouched = tables.save();
        tables.restore(KUBE_PROXY_RULES);
        const rules = plans.map((plan) => assemble(spelling, plan).rules).at(-1) ?? NO_RULES;
        write(tables, parseSave(tables.save()), rules);
        expect(difference(parseSave(tables.save()), rules)).toEqual(NO_CHANGES);
        write(tables, rules, NO_RULES);
        expect(tables.save()).toBe(untouched);
      }),
    );
  });

  test('parts of a change can be applied one after the other', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 40 }), (plans, size) => {
        const tables = new FakeTables();
        let before: RuleSet = NO_RULES;
        for (const after of [...plans.map((plan) => assemble(spelling, plan).rules), NO_RULES]) {
          const change = diffRuleSets(before, after);
          const parts = splitChange(change, size);
          for (const part of parts) expect(tables.restore(encodeChange(part))).toBeUndefined();
          expect(parts.reduce((sum, part) => sum + sizeOf(part), 0)).toBe(sizeOf(change));
          expect(difference(parseSave(tables.save()), after)).toEqual(NO_CHANGES);
          before = after;
        }
      }),
    );
  });
});
