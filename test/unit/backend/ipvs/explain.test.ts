import { expect, test } from 'vitest';
import { explainIpvs } from '../../../../src/backend/ipvs/explain.ts';
import { diffRuleSets } from '../../../../src/backend/rules.ts';
import { chain, container, ruleSet } from '../../../support/rule-sets.ts';

type Objects = Parameters<typeof ruleSet>[0];

const WEB = '-t 10.96.0.1:80';

test.each<[string, Objects, Objects, readonly string[]]>([
  ['nothing', { addresses: container({ a: [] }) }, { addresses: container({ a: [] }) }, []],
  [
    'a new set with what is in it',
    {},
    { 'set KUBE-X': container({ k: ['comment "c"'] }, 'hash:ip') },
    ['+ add KUBE-X k comment "c"', '+ create KUBE-X hash:ip'],
  ],
  [
    'a virtual server that comes',
    { 'virtual-servers': container({}) },
    { 'virtual-servers': container({ [WEB]: ['-s rr', '10.244.1.1:80'] }) },
    [`+ -A ${WEB} -s rr`, `+ -a ${WEB} -r 10.244.1.1:80 -m -w 1`],
  ],
  [
    'one that changes: only what is different',
    { 'virtual-servers': container({ [WEB]: ['-s rr', '10.244.1.1:80', '10.244.1.2:80 -m -w 3'] }) },
    { 'virtual-servers': container({ [WEB]: ['-s lc', '10.244.1.1:80', '10.244.1.2:80'] }) },
    [
      `- -A ${WEB} -s rr`,
      `+ -A ${WEB} -s lc`,
      `+ -a ${WEB} -r 10.244.1.2:80 -m -w 1`,
      `- -a ${WEB} -r 10.244.1.2:80 -m -w 3`,
    ].toSorted((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1)),
  ],
  [
    'addresses, and rules after them',
    { addresses: container({ '10.96.0.1': [] }), 'nat KUBE-SERVICES': chain(['-j A']) },
    { addresses: container({ '10.96.0.2': [] }), 'nat KUBE-SERVICES': chain(['-j B']) },
    [
      '- address add 10.96.0.1 dev kube-ipvs0',
      '+ address add 10.96.0.2 dev kube-ipvs0',
      '- nat -A KUBE-SERVICES -j A',
      '+ nat -A KUBE-SERVICES -j B',
    ],
  ],
])('%s', (_name, before, after, want) => {
  expect(explainIpvs(diffRuleSets(ruleSet(before), ruleSet(after)))).toEqual(want);
});
