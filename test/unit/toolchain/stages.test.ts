import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesOf, findStages, planStages, type Stage } from '../../../.ci/stages.ts';

const root = mkdtempSync(join(tmpdir(), 'sluice-stages-'));
let stages: readonly Stage[];

beforeAll(() => {
  for (const file of ['test/netns/run.ts', 'test/netns/dns/udp.test.ts', 'test/uml/run.ts']) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  stages = findStages(root);
});
afterAll(() => rmSync(root, { recursive: true }));

test('finds the unit stage and one for each launcher, in a fixed order', () => {
  expect(stages.map(({ name, command }) => [name, ...command])).toEqual([
    ['unit', 'vitest', 'run'],
    ['netns', 'node', 'test/netns/run.ts'],
    ['uml', 'node', 'test/uml/run.ts'],
  ]);
  expect(filesOf({ name: 'netns', folder: 'test/netns', command: [] }, root)).toEqual(['test/netns/dns/udp.test.ts']);
});

describe('planStages', () => {
  test.for([
    ['nothing: all', [], { unit: [], netns: [], uml: [] }],
    ['an option: all, each with it', ['-u'], { unit: ['-u'], netns: ['-u'], uml: ['-u'] }],
    [
      "an option's value, which is no file",
      ['-t', 'test/netns'],
      { unit: ['-t', 'test/netns'], netns: ['-t', 'test/netns'], uml: ['-t', 'test/netns'] },
    ],
    ['a unit test', ['test/unit/a.test.ts'], { unit: ['test/unit/a.test.ts'] }],
    ['a word that vitest looks for in file names', ['address'], { unit: ['address'] }],
    ['a file of a launcher', ['./test/netns/dns/udp.test.ts', '-u'], { netns: ['./test/netns/dns/udp.test.ts', '-u'] }],
    ['a folder of a launcher', ['test/uml/'], { uml: ['test/uml/'] }],
    [
      'files of several stages',
      ['test/uml/a.test.ts', '--bail=1', 'address', 'test/uml/b.test.ts'],
      { unit: ['--bail=1', 'address'], uml: ['test/uml/a.test.ts', '--bail=1', 'test/uml/b.test.ts'] },
    ],
  ] as const)('%s', ([, args, expected]) => {
    const planned = planStages(stages, args).map(({ stage, args: own }) => [stage.name, own]);
    expect(Object.fromEntries(planned)).toEqual(expected);
  });
});
