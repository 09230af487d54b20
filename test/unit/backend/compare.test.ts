import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareInSteps } from '../../../src/backend/compare.ts';
import { diffRuleSets } from '../../../src/backend/rules.ts';
import { atOnce } from '../../../src/base/steps.ts';
import { ruleSets } from '../../support/rule-sets.ts';

test('two rule sets that share nothing are compared as those that do', () => {
  fc.assert(
    fc.property(ruleSets, ruleSets, (a, b) => {
      expect(atOnce(compareInSteps(a, b))).toEqual(diffRuleSets(a, b));
    }),
  );
});
