import { describe, expect, test } from 'vitest';
import { encodeChange } from '../../../../src/backend/xtables/encode.ts';
import { explainChains } from '../../../../src/backend/xtables/explain.ts';
import { parseSave } from '../../../../src/backend/iptables/parse.ts';
import { byTable } from '../../../../src/backend/xtables/split.ts';
import type { ChangeSet } from '../../../../src/backend/rules.ts';
import { diffRuleSets, NO_CHANGES } from '../../../../src/backend/rules.ts';

const BEFORE = `*filter
:KUBE-FORWARD - [0:0]
-A FORWARD -j KUBE-FORWARD
-A KUBE-FORWARD -j RETURN
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-BBBBBBBBBBBBBBBB - [0:0]
-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -d 10.0.0.2/32 -j KUBE-SVC-BBBBBBBBBBBBBBBB
-A KUBE-SVC-BBBBBBBBBBBBBBBB -j RETURN
COMMIT
`;

const AFTER = `*filter
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
-A FORWARD -j KUBE-NODEPORTS
-A FORWARD -j KUBE-FORWARD
-A KUBE-FORWARD -j RETURN
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-BBBBBBBBBBBBBBBB - [0:0]
:KUBE-SVC-CCCCCCCCCCCCCCCC - [0:0]
-A KUBE-SERVICES -d 10.0.0.2/32 -j KUBE-SVC-BBBBBBBBBBBBBBBB
-A KUBE-SERVICES -d 10.0.0.3/32 -j KUBE-SVC-CCCCCCCCCCCCCCCC
-A KUBE-SVC-BBBBBBBBBBBBBBBB -j RETURN
-A KUBE-SVC-CCCCCCCCCCCCCCCC -j RETURN
COMMIT
`;

const CHANGE = diffRuleSets(parseSave(BEFORE), parseSave(AFTER));

describe('input for iptables-restore', () => {
  test('declares, unhooks, fills, hooks and removes, in that order', () => {
    expect(encodeChange(CHANGE)).toBe(`*filter
:KUBE-NODEPORTS - [0:0]
-D FORWARD -j KUBE-FORWARD
-I FORWARD -j KUBE-FORWARD
-I FORWARD -j KUBE-NODEPORTS
COMMIT
*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SVC-CCCCCCCCCCCCCCCC - [0:0]
-A KUBE-SERVICES -d 10.0.0.2/32 -j KUBE-SVC-BBBBBBBBBBBBBBBB
-A KUBE-SERVICES -d 10.0.0.3/32 -j KUBE-SVC-CCCCCCCCCCCCCCCC
-A KUBE-SVC-CCCCCCCCCCCCCCCC -j RETURN
-X KUBE-SVC-AAAAAAAAAAAAAAAA
COMMIT
`);
  });

  test('says nothing about tables that do not change', () => {
    const nat: ChangeSet = { ...CHANGE, objects: CHANGE.objects.filter(({ id }) => id.startsWith('nat ')) };
    expect(encodeChange(nat)).toMatch(/^\*nat\n[^*]*COMMIT\n$/);
    expect(encodeChange(NO_CHANGES)).toBe('');
  });

  test('can be cut into its tables', () => {
    expect(
      byTable(CHANGE)
        .map((part) => encodeChange(part))
        .join(''),
    ).toBe(encodeChange(CHANGE));
    expect(byTable(NO_CHANGES)).toEqual([]);
  });
});

describe('a change in words', () => {
  test('shows what goes and what comes, in place', () => {
    expect(explainChains(CHANGE)).toEqual([
      '+ filter -A FORWARD -j KUBE-NODEPORTS',
      '+ filter -N KUBE-NODEPORTS',
      '- nat -A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-AAAAAAAAAAAAAAAA',
      '+ nat -A KUBE-SERVICES -d 10.0.0.3/32 -j KUBE-SVC-CCCCCCCCCCCCCCCC',
      '- nat -N KUBE-SVC-AAAAAAAAAAAAAAAA',
      '+ nat -N KUBE-SVC-CCCCCCCCCCCCCCCC',
      '+ nat -A KUBE-SVC-CCCCCCCCCCCCCCCC -j RETURN',
    ]);
  });

  function explainLines(before: readonly string[], after: readonly string[]): readonly string[] {
    const chain = (lines: readonly string[]): { ordered: true; definition: string; lines: readonly string[] } => ({
      ordered: true,
      definition: 'chain',
      lines,
    });
    const objects = [{ id: 'nat KUBE-SERVICES', before: chain(before), after: chain(after) }];
    return explainChains({ objects, members: [] }).map((line) => line.replace(' nat -A KUBE-SERVICES', ''));
  }

  test.each([
    ['moved', ['a', 'b', 'c'], ['c', 'a', 'b'], ['+ c', '- c']],
    ['replaced', ['a', 'b', 'c'], ['a', 'x', 'c'], ['- b', '+ x']],
    ['repeated', ['a', 'b'], ['a', 'a', 'b'], ['+ a']],
    ['far apart', ['1', 'a', '2', 'b', '3'], ['1', '2', 'x', '3'], ['- a', '- b', '+ x']],
  ])('%s', (_title, before, after, lines) => {
    expect(explainLines(before, after)).toEqual(lines);
  });

  test('chains too long to compare are shown old, then new', () => {
    const numbers = Array.from({ length: 1200 }, (_, i) => String(i));
    const lines = explainLines(numbers, numbers.toReversed());
    expect(lines).toHaveLength(2400);
    expect(lines[0]).toBe('- 0');
    expect(lines.at(-1)).toBe('+ 0');
  });
});
