import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeChange, encodeRebuild, NO_SLOTS } from '../../../../src/backend/nft/encode.ts';
import { parseTable } from '../../../../src/backend/nft/parse.ts';
import type { RuleSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES, NO_RULES } from '../../../../src/backend/rules.ts';
import type { IpFamily } from '../../../../src/model/address.ts';
import { FakeNft } from '../../../support/fake-nft.ts';
import { assembleAll, deadEnds, lostOnTheWay, readTable, tableOf, write } from '../../../support/nft-world.ts';
import { planHistories } from '../../../support/plan-histories.ts';
import { plainRules, touchedBy } from '../../../support/rule-sets.ts';

/** The rules that a node goes through, in one family. */
const histories = planHistories.map(({ family, plans }) => ({
  family,
  steps: assembleAll(plans).map(({ rules }) => rules),
}));

function forAll(check: (family: IpFamily, steps: readonly RuleSet[]) => void, numRuns = 100): void {
  fc.assert(
    fc.property(histories, ({ family, steps }) => {
      check(family, steps);
    }),
    { numRuns },
  );
}

describe('a kernel that is written to', () => {
  test('holds what it should after every change, and reads back the same', () => {
    forAll((family, steps) => {
      const nft = new FakeNft();
      let known = NO_RULES;
      let slots = NO_SLOTS;
      for (const rules of steps) {
        const encoded = encodeChange(family, diffRuleSets(known, rules), slots);
        expect(write(nft, encoded)).toBe('');
        const read = readTable(nft, family);
        expect(plainRules(read.rules)).toEqual(plainRules(rules));
        expect(Object.fromEntries(read.slots)).toEqual(Object.fromEntries(encoded.slots));
        expect(deadEnds(nft, family)).toEqual([]);
        ({ slots } = encoded);
        known = rules;
      }
    });
  });

  test('can be taken over from what it says it holds', () => {
    forAll((family, steps) => {
      const nft = new FakeNft();
      for (const rules of steps) {
        const read = readTable(nft, family);
        expect(write(nft, encodeChange(family, diffRuleSets(read.rules, rules), read.slots))).toBe('');
        expect(touchedBy(diffRuleSets(readTable(nft, family).rules, rules))).toEqual([]);
      }
    });
  });

  test('never leads anywhere dead when groups are written one by one', () => {
    forAll((family, steps) => {
      const nft = new FakeNft();
      let known = NO_RULES;
      let slots = NO_SLOTS;
      for (const rules of steps) {
        const encoded = encodeChange(family, diffRuleSets(known, rules), slots);
        for (const group of [...encoded.prepare, ...encoded.groups, ...encoded.retire]) {
          expect(nft.run(group.join('\n'))).toBe('');
          expect(deadEnds(nft, family)).toEqual([]);
        }
        expect(nft.run(encoded.sweep.join('\n'))).toBe('');
        expect(plainRules(readTable(nft, family).rules)).toEqual(plainRules(rules));
        ({ slots } = encoded);
        known = rules;
      }
    });
  });

  test('has an endpoint for every packet that is on its way meanwhile', () => {
    forAll((family, steps) => {
      const nft = new FakeNft();
      let known = NO_RULES;
      let slots = NO_SLOTS;
      for (const rules of steps) {
        const encoded = encodeChange(family, diffRuleSets(known, rules), slots);
        for (const transaction of [encoded.prepare, encoded.groups, encoded.retire, [encoded.sweep]]) {
          const before = readTable(nft, family).rules;
          expect(nft.run(transaction.flat().join('\n'))).toBe('');
          expect(lostOnTheWay(before, nft, family)).toEqual([]);
        }
        ({ slots } = encoded);
        known = rules;
      }
    });
  });

  test('may keep what was not swept: the next look at it finds it', () => {
    forAll((family, steps) => {
      const nft = new FakeNft();
      let slots = NO_SLOTS;
      let known = NO_RULES;
      for (const rules of steps) {
        const encoded = encodeChange(family, diffRuleSets(known, rules), slots);
        expect(nft.run([...encoded.prepare, ...encoded.groups].flat().join('\n'))).toBe('');
        ({ rules: known, slots } = readTable(nft, family));
        expect(deadEnds(nft, family)).toEqual([]);
      }
      const last = steps.at(-1) ?? NO_RULES;
      expect(write(nft, encodeChange(family, diffRuleSets(known, last), slots))).toBe('');
      expect(plainRules(readTable(nft, family).rules)).toEqual(plainRules(last));
    });
  });

  test('can be rebuilt, whatever it holds', () => {
    forAll((family, [first = NO_RULES, ...others]) => {
      const last = others.at(-1) ?? first;
      const nft = new FakeNft();
      expect(write(nft, encodeChange(family, diffRuleSets(NO_RULES, first), NO_SLOTS))).toBe('');
      const rebuild = encodeRebuild(family, last, NO_CHANGES);
      expect(write(nft, rebuild)).toBe('');
      const read = readTable(nft, family);
      expect(plainRules(read.rules)).toEqual(plainRules(last));
      expect(Object.fromEntries(read.slots)).toEqual(Object.fromEntries(rebuild.slots));
    }, 50);
  });
});

test('elements that packets put into the sets of clients are not ours', () => {
  forAll((family, steps) => {
    const rules = steps.at(-1) ?? NO_RULES;
    const nft = new FakeNft();
    write(nft, encodeChange(family, diffRuleSets(NO_RULES, rules), NO_SLOTS));
    const client = family === 'IPv4' ? '10.9.8.7' : 'fd00:9::7';
    const used = nft
      .listTable(tableOf(family))
      .replaceAll('\t\tflags dynamic,timeout\n', `$&\t\telements = { ${client} timeout 3h expires 2h59m58s }\n`);
    expect(plainRules(parseTable(used).rules)).toEqual(plainRules(rules));
  }, 50);
});

test('a change of one endpoint is one or two elements per destination', () => {
  forAll((family, steps) => {
    const rules = steps.at(-1) ?? NO_RULES;
    const { slots } = encodeChange(family, diffRuleSets(NO_RULES, rules), NO_SLOTS);
    rules.forEach((object, id) => {
      if (object.ordered || !id.includes('endpoints')) return;
      object.members.forEach((endpoints, key) => {
        if (endpoints.length < 2) return;
        const fewer = rules.set(id, { ...object, members: object.members.set(key, endpoints.slice(1)) });
        const { groups, sweep } = encodeChange(family, diffRuleSets(rules, fewer), slots);
        const text = groups.flat().join('\n');
        expect(sweep).toEqual([]);
        expect(text.match(new RegExp(`${key} \\. \\d+`, 'g'))?.length).toBeLessThanOrEqual(3);
        expect(groups).toHaveLength(1);
      });
    });
  }, 50);
});
