import { expect, test } from 'vitest';
import { explainNft } from '../../../../src/backend/nft/explain.ts';
import { diffRuleSets } from '../../../../src/backend/rules.ts';
import { chain, container, ruleSet } from '../../../support/rule-sets.ts';

type Objects = Parameters<typeof ruleSet>[0];

test.each<[string, Objects, Objects, readonly string[]]>([
  ['nothing', { 'chain a': chain(['x']) }, { 'chain a': chain(['x']) }, []],
  ['a new chain', {}, { 'chain a': chain(['x', 'y']) }, ['+ chain a', '+ chain a  x', '+ chain a  y']],
  ['a chain that goes', { 'chain a': chain(['x']) }, {}, ['- chain a', '- chain a  x']],
  [
    'a line for another',
    { 'chain a': chain(['x', 'y']) },
    { 'chain a': chain(['z', 'y']) },
    ['- chain a  x', '+ chain a  z'],
  ],
  [
    'lines in another order',
    { 'chain a': chain(['x', 'y']) },
    { 'chain a': chain(['y', 'x']) },
    ['- chain a  x', '- chain a  y', '+ chain a  y', '+ chain a  x'],
  ],
  [
    'a new map, sorted',
    {},
    { 'set m': container({ k2: [': drop'], k1: ['comment "c" : drop'], k0: [], pool: ['a . 1', 'b . 2'] }) },
    [
      '+ set m',
      '+ set m  k0',
      '+ set m  k1 comment "c" : drop',
      '+ set m  k2 : drop',
      '+ set m  pool : a . 1',
      '+ set m  pool : b . 2',
    ],
  ],
  [
    'members',
    { 'set m': container({ gone: [], pool: ['a . 1', 'b . 2'], same: [] }) },
    { 'set m': container({ came: [': drop'], pool: ['b . 2', 'c . 3'], same: [] }) },
    ['+ set m  came : drop', '- set m  gone', '- set m  pool : a . 1', '+ set m  pool : c . 3'],
  ],
])('%s', (_name, before, after, want) => {
  expect(explainNft(diffRuleSets(ruleSet(before), ruleSet(after)))).toEqual(want);
});
